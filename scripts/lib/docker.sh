# Docker for the tests of the containers: an engine that answers, and Compose v2. What is there already is left to do;
# else Debian's packages are installed and dockerd is started. DOCKER_LACK says what could not be had.
COMPOSE_SUITE=trixie  # Debian 12 has Compose 1 alone; this one is a single program that needs nothing else of Debian 13

docker_get() {
  export DOCKER_LACK=
  docker_engine && docker_compose
}

docker_engine() {
  docker info >/dev/null 2>&1 && return
  [ "$(id -u)" = 0 ] || { DOCKER_LACK="none answers, and only root may start one"; return 1; }
  command -v dockerd >/dev/null || apt_install "docker.io iptables" "  docker.io: without it, no tests of the containers"
  command -v dockerd >/dev/null || { DOCKER_LACK="docker.io could not be installed"; return 1; }
  docker_answers 4 && return  # the package's own service
  local log && log=$(mktemp)
  say "Starting dockerd …"
  setsid dockerd >"$log" 2>&1 </dev/null &
  DOCKER_PID=$!
  docker_answers 60 && return
  DOCKER_LACK="dockerd does not start: $(sed -n 's/^failed to start daemon: //p; s/.*level=fatal msg="\(.*\)".*/\1/p' "$log" | tail -1 | cut -c1-200)"
  docker_stop
  return 1
}

docker_answers() {  # HALF_SECONDS
  for _ in $(seq "$1"); do
    docker info >/dev/null 2>&1 && return
    [ -z "${DOCKER_PID:-}" ] || kill -0 "$DOCKER_PID" 2>/dev/null || return 1
    sleep 0.5
  done
  return 1
}

docker_stop() {  # the engine that was started here
  [ -n "${DOCKER_PID:-}" ] || return 0
  kill "$DOCKER_PID" 2>/dev/null || true
  wait "$DOCKER_PID" 2>/dev/null || true
  DOCKER_PID=
}

docker_compose() {
  docker compose version >/dev/null 2>&1 && return
  say "Getting Docker Compose from Debian $COMPOSE_SUITE …"
  local work plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
  work=$(mktemp -d)
  if (
    cd "$work" && mkdir -p lists/partial plugin
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $COMPOSE_SUITE main" >list
    apt="apt-get -qq -o Dir::Etc::sourcelist=$work/list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$work/lists
      -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
    $apt update && $apt download docker-compose && dpkg-deb -x docker-compose_*.deb plugin
  ) >"$work/log" 2>&1; then
    mkdir -p "$plugins" && cp "$work/plugin/usr/libexec/docker/cli-plugins/docker-compose" "$plugins/"
  fi
  docker compose version >/dev/null 2>&1 || { DOCKER_LACK="no Compose v2: $(tail -1 "$work/log")"; rm -rf "$work"; return 1; }
  rm -rf "$work"
}
