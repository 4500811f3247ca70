# Sets LLAMA_WHEEL: llama-cpp-python, compiled once and kept for every checkout; on x86-64 one for every processor.
key=$({
  cat requirements/{llama-cpp,build}.txt scripts/lib/{llama-wheel.sh,amx.h}
  uname -m && g++ -dumpfullversion -dumpversion 2>/dev/null
  [ "$(uname -m)" = x86_64 ] || grep -m1 Features /proc/cpuinfo
} | sha256sum | cut -c1-12)
wheels=${EARSHOT_WHEELS:-${XDG_CACHE_HOME:-$HOME/.cache}/earshot/wheels}/$key
if ! ls "$wheels"/llama_cpp_python-*.whl >/dev/null 2>&1; then
  say "Compiling llama.cpp for every kind of processor: about 6 minutes on two cores, once …"
  "$UV" venv --quiet --clear --python "$uv_python" .tools/build
  "$UV" pip sync --quiet --python .tools/build --require-hashes requirements/build.txt
  mkdir -p "$wheels" && log=$(mktemp)
  PATH=$PWD/.tools/build/bin:$PATH CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) sh scripts/lib/llama-wheel.sh "$wheels.part" 2>&1 |
    tee "$log" |
    awk 'match($0, /\[[0-9]+\/[0-9]+\]/) { s = substr($0, RSTART, RLENGTH); n = s; gsub(/[^0-9\/]/, "", n); split(n, a, "/")
         if (int(a[1] * 20 / a[2]) != last) { last = int(a[1] * 20 / a[2]); printf "earshot: llama.cpp %3d %%\n", last * 5; fflush() } }' >&2 ||
    { tail -30 "$log" >&2; say "llama.cpp could not be compiled; the whole log is $log"; exit 1; }
  rm -f "$log"
  mv "$wheels.part"/*.whl "$wheels"/ && rmdir "$wheels.part"
fi
LLAMA_WHEEL=$(ls "$wheels"/llama_cpp_python-*.whl)
