# Sets UV to a uv that works: the one on PATH, or one that pip puts into .tools/uv (hash-checked).
if command -v uv >/dev/null; then
  UV=uv
else
  UV=$PWD/.tools/uv/bin/uv
  if [ ! -x "$UV" ]; then
    say "Getting uv, the package installer, through pip …"
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip "nothing can be installed"
    python3 -m pip install --quiet --root-user-action ignore --require-hashes --target .tools/uv -r requirements/uv.txt
  fi
fi
# a site behind a TLS proxy has its authority in the system's store
export UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true
