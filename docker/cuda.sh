#!/bin/sh
# NVIDIA's packages for Debian 12, of the version that CUDA names (12-6); without one, nothing is done.
#   cuda.sh libraries   what computes: cuBLAS, cuDNN (speech recognition), the runtime
#   cuda.sh compiler    what llama.cpp is compiled with
set -eu
[ -n "${CUDA:-}" ] || exit 0
repository=https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64
case $1 in
  libraries) packages="cuda-cudart-$CUDA libcublas-$CUDA libcudnn9-cuda-${CUDA%-*}" ;;
  compiler) packages="g++ cuda-nvcc-$CUDA cuda-cudart-dev-$CUDA libcublas-dev-$CUDA" ;;
esac
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates >/dev/null
if [ -s /ca.crt ]; then export SSL_CERT_FILE=/ca.crt; fi
python3 - "$repository/cuda-keyring_1.1-1_all.deb" /tmp/keyring.deb <<'FETCH'
import sys, urllib.request
urllib.request.urlretrieve(sys.argv[1], sys.argv[2])
FETCH
dpkg -i /tmp/keyring.deb >/dev/null
apt-get -o "Acquire::https::CAInfo=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" update -qq
# shellcheck disable=SC2086  # several packages
apt-get -o "Acquire::https::CAInfo=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" install -y -qq --no-install-recommends $packages >/dev/null
rm -rf /tmp/keyring.deb /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt
