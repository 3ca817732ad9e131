#!/bin/sh
# The browser tests need Chromium: find one, install Debian's as root, or say how.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests (Debian package chromium)."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium >/dev/null
    command -v chromium >/dev/null
    exit 0
fi

echo "The browser tests need Chromium, which is not on this machine." >&2
echo "Install it, then run make test again:" >&2
echo "  Debian, Ubuntu:  sudo apt-get install chromium" >&2
echo "  Fedora:          sudo dnf install chromium" >&2
echo "or put another Chromium on the PATH as chromium." >&2
exit 1
