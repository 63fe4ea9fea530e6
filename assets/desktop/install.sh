#!/bin/sh
# Puts the built programs where a desktop finds them, with the kinds of files that a double click opens. Whatever data there is stays
# untouched. `--remove` takes the same away again.
set -eu

usage='usage: install.sh [--remove] BUILT PREFIX (BUILT: the folder of the built programs; PREFIX: such as ~/.local)'
remove=
if [ "${1:-}" = --remove ]; then
    remove=1
    shift
fi
built=${1:?$usage}
prefix=${2:?$usage}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
id=de.hausrecht.app
share=$prefix/share

known_anew() {
    # A desktop without these looks the files up by itself, at the next sign-in at the latest.
    if command -v update-mime-database >/dev/null 2>&1; then update-mime-database "$share/mime"; fi
    if command -v update-desktop-database >/dev/null 2>&1; then update-desktop-database "$share/applications"; fi
}

if [ -n "$remove" ]; then
    for program in hausrecht hausrecht-app hausrecht-worker; do rm -f "$prefix/bin/$program"; done
    rm -f "$share/applications/$id.desktop" "$share/mime/packages/$id.xml"
    for size in 32 128 256; do rm -f "$share/icons/hicolor/${size}x$size/apps/$id.png"; done
    known_anew
    exit 0
fi

for program in hausrecht hausrecht-app hausrecht-worker; do
    if [ ! -x "$built/$program" ]; then
        echo "install.sh: $built/$program is not built: run make install" >&2
        exit 1
    fi
done
# In an Exec line quotes, blanks and dollar signs would have to be escaped; a prefix with such is refused rather than half working.
case $prefix in
*[!A-Za-z0-9/._+-]*)
    echo "install.sh: choose a PREFIX of plain letters, digits and / . _ + - only: $prefix" >&2
    exit 1
    ;;
esac
mkdir -p "$prefix/bin" "$share/applications" "$share/mime/packages"
for program in hausrecht hausrecht-app hausrecht-worker; do
    # A program that runs keeps its file until it ends.
    cp "$built/$program" "$prefix/bin/.$program.new"
    mv "$prefix/bin/.$program.new" "$prefix/bin/$program"
done
icons=$here/../../src-tauri/icons
for pair in 32:32x32 128:128x128 256:128x128@2x; do
    size=${pair%%:*}
    mkdir -p "$share/icons/hicolor/${size}x$size/apps"
    cp "$icons/${pair#*:}.png" "$share/icons/hicolor/${size}x$size/apps/$id.png"
done
sed "s|@bin@|$prefix/bin|" "$here/$id.desktop" >"$share/applications/$id.desktop"
cp "$here/$id.xml" "$share/mime/packages/$id.xml"
known_anew
echo "Hausrecht is in $prefix/bin, and in the desktop's menu. A double click opens packages and backups."
