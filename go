#!/bin/sh
# Sets up what the program needs, in .venv beside this file, and runs it; `./go help` says how.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"

help() {
    cat <<'END'
usage: ./go [OPTIONS]                 evolve train.py, with the options of `./go evolve --help`
       ./go evolve ...                the same; also resume, list, show and the other commands
       ./go trainer GENOME [OPTIONS]  run one genome once and show what it scores
       ./go test [OPTIONS]            the tests, up to four files at a time, with the options of pytest
       ./go setup [EXTRA]             only set up; EXTRA is test, notebook, serve, ray, mcp,
                                      tensorboard or another one of pyproject.toml
       ./go help                      this text

It needs git, and Python 3.11 or newer or uv. The first call makes .venv and installs torch, in the
build that suits this machine, and the other packages; it takes some minutes. Later calls start at
once, and one that was interrupted goes on where it stopped. To begin anew, delete .venv.

environment:
  PYTHON            the Python that .venv is made with (default: the first that is new enough)
  UV_TORCH_BACKEND  the build of torch, as uv names it: cpu, cu128, ... (default: what suits)
END
}

say() { printf '%s\n' "$*" >&2; } # not to stdout, which may be the JSON of ./go trainer --json

die() {
    say "go: $*"
    exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

uv_pip_install() { "$uv" pip install --python .venv/bin/python --compile-bytecode "$@"; }

# step TEXT COMMAND...: one line on the screen, and a dot every 10 seconds; the rest goes to the log.
step() {
    printf '%s ' "$1" >&2
    shift
    dots='' began=$(date +%s) status=0
    if [ -t 2 ]; then
        # $$ is the script in a subshell too, so that the dots end with it, however it ends.
        (while sleep 10 >/dev/null 2>&1 && kill -0 $$; do printf . >&2; done) 9>&- &
        dots=$!
    fi
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    if [ -n "$dots" ]; then
        kill "$dots"
        wait "$dots" 2>/dev/null || true
    fi
    say "($(($(date +%s) - began)) s)"
    return "$status"
}

failed() {
    say "go: that failed. The last lines of $log:"
    tail -n 15 "$log" | sed 's/^/    /' >&2
    die "most often the network or a full disk is the cause. Call it again to go on from here."
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        python=$PYTHON
        new_enough "$python" || die "PYTHON=$PYTHON is not a Python 3.11 or newer."
        return
    fi
    for python in .venv/bin/python python3 python3.13 python3.12 python3.11 python; do
        if new_enough "$python"; then return; fi
    done
    [ -n "$uv" ] || die "no Python 3.11 or newer is here. Install one (Debian, Ubuntu:" \
        "sudo apt install python3 python3-venv; macOS: brew install python) or uv, or name one:" \
        "PYTHON=/path/to/python3 ./go"
    say "No Python 3.11 or newer is here: uv gets one, some 30 MB"
    "$uv" python install 3.12 >&2 || die "uv could not install Python 3.12."
    python=$("$uv" python find 3.12)
}

# The lock is the open file itself: the system gives it up when this script ends, however it ends.
lock() {
    exec 9>>pyproject.toml
    "$python" -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Waiting for another ./go, which is setting up", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)'
}

make_venv() {
    if [ -n "$uv" ]; then
        "$uv" venv --allow-existing --seed --python "$python" .venv
    else
        "$python" -m venv .venv
    fi
}

# The package index has one build a platform, and on Linux that is the large one. A smaller or a better
# suited one comes from what pip is configured to look at, or from uv, which knows where torch has its own.
torch_that_suits() {
    if [ "$backend" = cpu ]; then
        cpu=$(pip index versions torch | tr -d , | tr ' ' '\n' | sed -n '/+cpu$/{p;q;}')
        if [ -n "$cpu" ] && pip install "$torch,==$cpu"; then return; fi
    fi
    if [ -z "$uv" ]; then
        pip install uv || return
        uv=.venv/bin/uv
    fi
    uv_pip_install --torch-backend "$backend" "$torch"
}

install_torch() {
    torch=$(sed -n 's/^ *"\(torch[^"]*\)".*/\1/p' pyproject.toml)
    if [ "$(uname)" = Darwin ]; then
        step "Installing torch: some 100 MB" pip install "$torch" || failed
        return
    fi
    case $backend in
    auto) what="CUDA build for $gpu: some 3 GB, 2 to 10 minutes" ;;
    cpu) what="CPU build: some 200 MB to fetch, 850 MB on disk, a minute on a fast line" ;;
    *) what="$backend build: up to 3 GB, 1 to 10 minutes" ;;
    esac
    step "Installing torch, $what" torch_that_suits ||
        step "That build cannot be had from here. Installing the usual one, which runs on CPUs too:
    some 3 GB, 2 to 10 minutes" pip install "$torch" || failed
    if [ "$backend" != cpu ] && [ -n "$gpu" ] && ! .venv/bin/python -c '
import torch
torch.zeros(1).cuda()' >>"$log" 2>&1; then
        say "Warning: torch cannot use the GPU, see $log. Most often the driver is too old for the build:" \
            "update it, or delete .venv and name an older build, as in UV_TORCH_BACKEND=cu126 ./go"
    fi
}

# uv knows nothing of pip's configuration, where the only way to some packages may be.
install_rest() {
    { [ -n "$uv" ] && uv_pip_install --torch-backend "$backend" -e "$1"; } || pip install -e "$1"
}

apt_install() {
    timeout 60 apt-get install -q -y "$1" || { timeout 60 apt-get update -q && timeout 60 apt-get install -q -y "$1"; }
}

# The strongest sandbox. Without it a run takes Landlock, or says what to do.
install_bubblewrap() {
    if [ "$(uname)" != Linux ] || command -v bwrap >/dev/null; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
        step "Installing bubblewrap, which keeps genomes in: 1 MB" apt_install bubblewrap; then return; fi
    say "Note: bubblewrap is not here, the strongest sandbox. To get it: sudo apt install bubblewrap"
}

# ready EXTRA: whether the last set-up with it came to its end, here, for what pyproject.toml says now.
ready() { [ -x .venv/bin/python ] && [ "$(cat ".venv/ready-$1" 2>/dev/null)" = "$stamp" ]; }

set_up() {
    stamp="$(cksum <pyproject.toml) $PWD"
    if ready "$1"; then return; fi
    command -v git >/dev/null || die "git is missing, which keeps the genomes. Install it (Debian," \
        "Ubuntu: sudo apt install git; macOS: xcode-select --install)."
    uv=$(command -v uv || true)
    find_python
    lock
    if ready "$1"; then return; fi

    new_enough .venv/bin/python || rm -rf .venv # its Python is gone, or the last call ended in the middle
    [ -x .venv/bin/python ] || [ -n "$uv" ] || "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$python cannot make virtual environments. Install what is missing (Debian, Ubuntu:" \
            "sudo apt install python3-venv) or uv."
    mkdir -p .venv
    log=.venv/setup.log
    : >"$log"
    [ -x .venv/bin/python ] || step "Making .venv with $python" make_venv || failed
    pip --version >>"$log" 2>&1 || step "Adding pip to .venv" .venv/bin/python -m ensurepip || failed

    gpu=$(nvidia-smi -L 2>/dev/null | sed -n 's/^GPU 0: \([^(]*[^( ]\).*/\1/p')
    if [ -n "$gpu" ]; then suits=auto; else suits=cpu; fi
    backend=${UV_TORCH_BACKEND:-$suits}
    .venv/bin/python -c 'import torch' >/dev/null 2>&1 || install_torch
    if [ "$1" = test ]; then much='500 MB to fetch, 1.8 GB on disk, 2 to 4 minutes'; else much='300 MB to fetch, 1 GB on disk, 1 to 3 minutes'; fi
    step "Installing the other packages${1:+, with those for $1}: some $much" \
        install_rest ".${1:+[$1]}" || failed
    install_bubblewrap
    say "In .venv are now $(du -sm .venv | cut -f1) MB; to remove all of it, delete that folder."
    printf '%s\n' "$stamp" >.venv/ready-
    printf '%s\n' "$stamp" >".venv/ready-$1"
}

run() { # run EXTRA MODULE [ARGUMENT...]
    set_up "$1"
    module=$2
    shift 2
    exec .venv/bin/python -m "$module" "$@" 9>&-
}

command=${1:-evolve}
case $command in
help | -h | --help) help ;;
setup)
    set_up "${2:-}"
    say "Ready."
    ;;
test)
    shift
    run test pytest --numprocesses logical --maxprocesses 4 --dist loadfile "$@"
    ;;
evolve | trainer)
    [ $# -eq 0 ] || shift
    export EVOLVE_LAUNCHER="$0" # so that hints name the command that was used
    run '' "$command" "$@"
    ;;
*)
    export EVOLVE_LAUNCHER="$0"
    run '' evolve "$@"
    ;; # options, or a command of evolve such as resume
esac
