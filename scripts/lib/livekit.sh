# Puts livekit-server into .tools/: compiled once for every checkout, from Go modules whose hashes are pinned here and
# in its own go.sum. A livekit-server on PATH is left to do. Without any there is no `earshot up`, but all the rest.
LIVEKIT=v1.13.5
LIVEKIT_SUM=h1:HWfxfKvi5k1czMVqLV/htGmPgEBhrqHMxpfyMvfhyVo=
LIVEKIT_GO=1.26  # what its go.mod asks for
LIVEKIT_PACKAGES=720  # for the progress line

livekit_settled() {  # there, or known not to be had
  command -v livekit-server >/dev/null || [ -x .tools/livekit-server ] || [ "$(cat .tools/livekit-server.missing 2>/dev/null)" = $LIVEKIT ]
}

livekit_get() {
  local kept=${EARSHOT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/earshot/livekit-server}/$LIVEKIT-$(uname -m)/livekit-server
  command -v livekit-server >/dev/null && return
  [ "$(.tools/livekit-server --version 2>/dev/null)" = "livekit-server version ${LIVEKIT#v}" ] && return
  mkdir -p .tools
  if [ ! -x "$kept" ] && ! livekit_build "$kept"; then
    echo $LIVEKIT >.tools/livekit-server.missing
    say "livekit-server could not be built, so there is no \`earshot up\` yet (\`earshot talk\` works)." \
      "Install Go $LIVEKIT_GO or newer, or put livekit-server ${LIVEKIT#v} on PATH or at .tools/livekit-server;" \
      "then: rm .tools/livekit-server.missing, and scripts/setup again."
    return
  fi
  { ln -f "$kept" .tools/livekit-server || cp -f "$kept" .tools/livekit-server; } 2>/dev/null
  rm -f .tools/livekit-server.missing
}

livekit_build() {  # FILE
  local work log go module=github.com/livekit/livekit-server@$LIVEKIT
  work=$(mktemp -d) && log=$work/log
  go=$(livekit_go "$work") || { say "No Go $LIVEKIT_GO here, and none came through pip."; rm -rf "$work"; return 1; }
  say "Compiling livekit-server ${LIVEKIT#v}: about 3 minutes on two cores, once …"
  if ! (
    set -euo pipefail
    found=$(cd "$work" && "$go" mod download -json $module 2>>"$log")
    [ "$(sed -n 's/.*"Sum": "\(.*\)".*/\1/p' <<<"$found")" = $LIVEKIT_SUM ] ||
      { echo "another livekit-server than the pinned one came: $found" >>"$log"; exit 1; }
    cp -r "$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$found")" "$work/source" && chmod -R u+w "$work/source"
    cd "$work/source"
    CGO_ENABLED=0 "$go" build -v -buildvcs=false -trimpath -ldflags "-s -w" -o "$work/livekit-server" ./cmd/server 2>&1 |
      tee -a "$log" | awk -v of=$LIVEKIT_PACKAGES '
        /^go: downloading/ { if (!d++) { print "earshot: livekit-server: getting its modules"; fflush() } next }
        { p = int(++n * 20 / of); if (p > 19) p = 19; if (p != last) { last = p; printf "earshot: livekit-server %3d %%\n", p * 5; fflush() } }' >&2
  ); then
    tail -20 "$log" >&2
    rm -rf "$work"
    return 1
  fi
  mkdir -p "$(dirname "$1")" && mv "$work/livekit-server" "$1.$$" && mv "$1.$$" "$1"
  rm -rf "$work"
}

livekit_go() {  # FOLDER: prints the name of a Go that is new enough
  local have
  have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || have=go0
  if [ "$(printf '%s\n' "go$LIVEKIT_GO" "$have" | sort -V | head -1)" = "go$LIVEKIT_GO" ]; then
    command -v go
    return
  fi
  say "Getting Go through pip …"
  "$UV" venv --quiet "$1/go" >&2 && "$UV" pip sync --quiet --python "$1/go" --require-hashes requirements/go.txt >&2 || return 1
  # what it fetches and builds goes with the folder
  printf '#!/bin/sh\nexport GOPATH=%s/gopath GOCACHE=%s/gocache GOFLAGS=-modcacherw GOTOOLCHAIN=local\nexec %s "$@"\n' \
    "$1" "$1" "$1/go/bin/go" >"$1/run-go" && chmod +x "$1/run-go"
  echo "$1/run-go"
}
