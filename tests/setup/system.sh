#!/bin/sh
# Makes sure that the system packages for `make run`, `make test` or `make bench` are there: says what is missing and
# installs that with apt, on Debian and its descendants. It never touches what is installed, and stops with a list elsewhere.
set -eu

goal=${1:?usage: system.sh run|test|bench}

# What each package is needed for. `a|b`: whichever of the two this release has.
build='
build-essential|gcc
pkg-config|pkgconf
libwebkit2gtk-4.1-dev
libgtk-3-dev
libgstreamer1.0-dev
libgstreamer-plugins-base1.0-dev
libgstrtspserver-1.0-dev
'
run='
gstreamer1.0-plugins-base
gstreamer1.0-plugins-good
gstreamer1.0-plugins-bad
gstreamer1.0-plugins-ugly
gstreamer1.0-libav
gstreamer1.0-x
libayatana-appindicator3-1
desktop-file-utils
'
tests='
webkit2gtk-driver
xvfb
xauth
dbus
dunst
gnome-keyring
age
ffmpeg
iproute2
binutils
python3-venv
openssl
'
bench='
gstreamer1.0-gtk3
gstreamer1.0-gl
python3-gi
gir1.2-gtk-3.0
gir1.2-gstreamer-1.0
'

case $goal in
run) wanted="$build $run" ;;
test) wanted="$build $run $tests" ;;
bench) wanted="$build $run $tests $bench" ;;
*)
    echo "system.sh: unknown goal $goal" >&2
    exit 2
    ;;
esac

need_tools() {
    missing_tools=
    command -v cargo >/dev/null 2>&1 || missing_tools="$missing_tools Rust(https://rustup.rs)"
    if ! command -v npm >/dev/null 2>&1; then
        missing_tools="$missing_tools Node.js-20(https://nodejs.org)"
    elif [ "$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then
        echo "Node.js $(node --version) is too old: version 20 or later is needed (https://nodejs.org)." >&2
        exit 1
    fi
    if [ -n "$missing_tools" ]; then
        echo "Needed first, and not installed from here:$missing_tools" >&2
        exit 1
    fi
}

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    {
        echo "This is not a Debian or Ubuntu system, so nothing is installed for you."
        echo "Hausrecht needs what these Debian packages carry:"
        for name in $wanted; do echo "  ${name%%|*}"; done
        echo "Install them in your system's way, then run this once more with SYSTEM_PACKAGES=present."
    } >&2
    [ "${SYSTEM_PACKAGES:-}" = present ] && need_tools && exit 0
    exit 1
fi
need_tools

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_names() {
    for name in $wanted; do
        found=
        for choice in $(echo "$name" | tr '|' ' '); do
            if is_installed "$choice"; then found=yes; fi
        done
        [ -n "$found" ] || echo "$name"
    done
}

missing=$(missing_names)
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "These system packages are missing, and there is no sudo to install them with:" "$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

can_be_had() {
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# A fresh system or container has no package lists yet.
for name in $missing; do
    if ! can_be_had "${name%%|*}"; then
        echo "Fetching the package lists: apt-get update"
        $as_root apt-get update -q
        break
    fi
done

chosen=
for name in $missing; do
    choice=
    for candidate in $(echo "$name" | tr '|' ' '); do
        if [ -z "$choice" ] && can_be_had "$candidate"; then choice=$candidate; fi
    done
    if [ -z "$choice" ]; then
        echo "No package $name for this release ($(. /etc/os-release && echo "$PRETTY_NAME"))." >&2
        exit 1
    fi
    chosen="$chosen $choice"
done

install_chosen() {
    # shellcheck disable=SC2086 # a list of words on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $chosen
}

echo "Installing system packages:$chosen"
# Lists of last month name versions that no longer fit what is installed, or that the mirror no longer has.
if ! install_chosen; then
    echo "That did not work. Fetching the package lists and trying once more: apt-get update"
    $as_root apt-get update -q
    install_chosen
fi
