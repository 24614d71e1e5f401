#!/usr/bin/env bash
# Installs what a build needs: Debian/Ubuntu packages, and LibTorch from the pinned torch wheel in .venv.
# Incremental: a second run with nothing to do takes about a second.
#   DERRUMBE_TORCH=cpu|cuda     flavour of the wheel (default cpu)
#   DERRUMBE_TORCH_INDEX=URL    where wheels marked +cpu are; without it the package index's plain wheel is taken where it
#                               has none, which on some platforms brings CUDA along (larger, works on a CPU just as well)
#   CMAKE_PREFIX_PATH or Torch_DIR naming a LibTorch of your own: the wheel is not installed
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.13.0
packages=(g++ cmake ninja-build ccache pkg-config git python3 python3-venv
          libopenimageio-dev openimageio-tools libopenexr-dev libyaml-cpp-dev libfmt-dev libcli11-dev
          nlohmann-json3-dev libsentencepiece-dev libssl-dev libutf8proc-dev catch2 clang-format ffmpeg)

say() { printf 'setup: %s\n' "$*" >&2; }

install_packages() {
    local missing=()
    local package
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        # Without a terminal sudo can't ask for a password.
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            root=(sudo)
        else
            say "these packages are missing and neither root nor sudo is at hand. Install them, then run this again:"
            say "    apt-get install ${missing[*]}"
            exit 1
        fi
    fi
    say "installing ${missing[*]}"
    "${root[@]}" apt-get update -q >/dev/null
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
}

check_packages() {
    local missing=()
    local program
    for program in g++ cmake ninja python3; do command -v "$program" >/dev/null || missing+=("$program"); done
    if [ ${#missing[@]} -gt 0 ]; then
        say "not found: ${missing[*]}. This script installs packages on Debian and Ubuntu alone; elsewhere install:"
        say "    a C++20 compiler, CMake 3.22, Ninja, Python 3 with venv, OpenImageIO 2.4 or later, OpenEXR 3, yaml-cpp,"
        say "    fmt 9, CLI11 2, nlohmann-json 3.10, sentencepiece, OpenSSL 3, utf8proc, Catch2 2, clang-format, ffmpeg"
        exit 1
    fi
}

own_libtorch() {
    if [ -n "${Torch_DIR:-}" ]; then return 0; fi
    local prefix
    local prefixes=${CMAKE_PREFIX_PATH:-}
    for prefix in ${prefixes//[:;]/ }; do
        if [ -e "$prefix/include/ATen/ATen.h" ] || [ -e "$prefix/torch/include/ATen/ATen.h" ]; then return 0; fi
    done
    return 1
}

install_torch() {
    local flavour=${DERRUMBE_TORCH:-cpu}
    local stamp=.venv/derrumbe-torch-$torch_version-$flavour
    if [ -e "$stamp" ]; then return; fi
    # A wheel that is already there in the pinned version and flavour counts, whoever put it there.
    local installed
    installed=$(.venv/bin/python -c "import importlib.metadata as m; print(m.version('torch'))" 2>/dev/null || true)
    case "$flavour $installed" in
        "cpu $torch_version"* | "cuda $torch_version" | "cuda $torch_version+cu"*)
            rm -f .venv/derrumbe-torch-*
            touch "$stamp"
            return
            ;;
    esac
    [ -x .venv/bin/python ] || python3 -m venv .venv
    say "installing LibTorch (torch $torch_version, $flavour) into .venv"
    local index=()
    [ -z "${DERRUMBE_TORCH_INDEX:-}" ] || index=(--extra-index-url "$DERRUMBE_TORCH_INDEX")
    rm -f .venv/derrumbe-torch-*
    if [ "$flavour" = cpu ]; then
        .venv/bin/pip install -q "${index[@]}" "torch==$torch_version+cpu" 2>/dev/null ||
            .venv/bin/pip install -q "torch==$torch_version"
    else
        .venv/bin/pip install -q --force-reinstall "${index[@]}" "torch==$torch_version"
    fi
    touch "$stamp"
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then install_packages; else check_packages; fi
own_libtorch || install_torch
