# Debian's packages: installed where that is allowed, else named with what their lack costs.
say() { echo "earshot: $*" >&2; }

# need LEVEL: what a level needs
need() {
  local missing=() costs=() row
  local -a table=("runtime libgomp1 libgomp.so.1 the language model does not load"
    "runtime libportaudio2 libportaudio.so.2 no \`earshot talk --mic\`")
  ls "${EARSHOT_WHEELS:-${XDG_CACHE_HOME:-$HOME/.cache}/earshot/wheels}"/*/llama_cpp_python-*.whl >/dev/null 2>&1 ||
    table+=("runtime g++ /usr/bin/g++ llama.cpp cannot be compiled")
  [ "$1" != runtime ] && table+=("test flite /usr/bin/flite no test callers' voices"
    "test espeak-ng /usr/bin/espeak-ng no test callers' voices" "test iproute2 /sbin/ip no isolation tests" "test iptables /usr/sbin/iptables no tests with firewalls"
    "test chromium /usr/bin/chromium no tests of the page" "test redis-server /usr/bin/redis-server no tests with redis")
  for row in "${table[@]}"; do
    local package file cost
    read -r _ package file cost <<<"$row"
    if [[ $file == /* ]]; then [ -x "$file" ]; else ldconfig -p 2>/dev/null | grep -qF "$file"; fi && continue
    missing+=("$package")
    costs+=("  $package: without it, $cost")
  done
  [ ${#missing[@]} -eq 0 ] && return
  apt_install "${missing[*]}" "${costs[@]}"
}

apt_install() {  # "PACKAGES" "what their lack costs" …
  local sudo=
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  say "Installing $1 through apt …"
  # shellcheck disable=SC2086  # several packages
  if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1; } >/dev/null 2>&1; then
    say "Missing, and could not be installed here: apt install $1"
    printf '%s\n' "${@:2}" >&2
  fi
}
