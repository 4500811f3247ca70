# Sets LLAMA_WHEEL: llama-cpp-python, compiled for this processor once and kept for every checkout.
key=$({ cat requirements/llama-cpp.txt; grep -m1 flags /proc/cpuinfo || true; } | sha256sum | cut -c1-12)
wheels=${EARSHOT_WHEELS:-${XDG_CACHE_HOME:-$HOME/.cache}/earshot/wheels}/$key
if ! ls "$wheels"/llama_cpp_python-*.whl >/dev/null 2>&1; then
  say "Compiling llama.cpp for this processor: about 5 to 10 minutes on two cores, once …"
  "$UV" venv --quiet --clear --python "$uv_python" .tools/build
  "$UV" pip sync --quiet --python .tools/build --require-hashes requirements/build.txt
  mkdir -p "$wheels" && log=$(mktemp)
  # the vision part is left out: nothing here looks at pictures
  PATH=$PWD/.tools/build/bin:$PATH CMAKE_ARGS=-DLLAVA_BUILD=OFF CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) \
    .tools/build/bin/python -m pip wheel --no-deps --no-build-isolation --require-hashes -v \
    -r requirements/llama-cpp.txt -w "$wheels.part" 2>&1 | tee "$log" |
    awk 'match($0, /\[[0-9]+\/[0-9]+\]/) { s = substr($0, RSTART, RLENGTH); n = s; gsub(/[^0-9\/]/, "", n); split(n, a, "/")
         if (int(a[1] * 20 / a[2]) != last) { last = int(a[1] * 20 / a[2]); printf "earshot: llama.cpp %3d %%\n", last * 5; fflush() } }' >&2 ||
    { tail -30 "$log" >&2; say "llama.cpp could not be compiled; the whole log is $log"; exit 1; }
  rm -f "$log"
  mv "$wheels.part"/*.whl "$wheels"/ && rmdir "$wheels.part"
fi
LLAMA_WHEEL=$(ls "$wheels"/llama_cpp_python-*.whl)
