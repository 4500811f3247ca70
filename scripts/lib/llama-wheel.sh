#!/bin/sh
# sh scripts/lib/llama-wheel.sh OUT [CMake's options…]: compiles the wheel of llama-cpp-python into the folder OUT, with
# the tools of requirements/build.txt first on PATH and the current folder's requirements/.
#
# On x86-64 it is the same for every processor: the code that computes comes as one library for each family, and the
# plugin loads the best one. Elsewhere it is made for the processor at hand: upstream's variants for ARM want a newer
# compiler than Debian 12 has.
#
# llama.cpp's own CMake is driven, not llama-cpp-python's around it, which builds more than is used and installs each
# library twice under three names.
set -eu
out=$1 && shift
export CPLUS_INCLUDE_PATH="$(dirname "$(readlink -f "$0")")"
export SKBUILD_CMAKE_SOURCE_DIR=vendor/llama.cpp SKBUILD_BUILD_TARGETS=llama
export SKBUILD_WHEEL_EXCLUDE='llama_cpp/lib/cmake/**;llama_cpp/lib/pkgconfig/**;llama_cpp/include/**'
variants=
[ "$(uname -m)" != x86_64 ] || variants='-DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON'
export CMAKE_ARGS="-DBUILD_SHARED_LIBS=ON -DCMAKE_CXX_FLAGS='-include amx.h' $variants
  -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_APP=OFF
  -DCMAKE_INSTALL_LIBDIR=llama_cpp/lib -DCMAKE_INSTALL_BINDIR=llama_cpp/lib -DCMAKE_INSTALL_INCLUDEDIR=llama_cpp/include
  -DCMAKE_INSTALL_RPATH=\\\$ORIGIN -DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON $*"
# --no-cache-dir: pip would take a wheel that it made before, whatever the options were then
exec python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --require-hashes -v \
  -r requirements/llama-cpp.txt -w "$out"
