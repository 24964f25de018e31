#!/usr/bin/env bash
# Fetch the free pictures that the recipe micro-cutouts is made for, into FOLDER/cutouts and FOLDER/photos:
#
#     benchmarks/fetch_cutouts.sh [FOLDER]
#
# Cut-outs: Debian's package openclipart-png, dedicated to the public domain by its authors (131 MB). Photos: ten files that
# scikit-image carries under CC0 or in the public domain, by name; others of its files have other terms. It takes Debian or
# Ubuntu (apt-get, dpkg), pip and unzip; nothing is installed.
set -euo pipefail

folder=$(realpath -m "${1:-.}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder/cutouts" "$folder/photos"

cd "$work"
apt-get download openclipart-png
dpkg -x openclipart-png_*.deb package
cp -r package/usr/share/openclipart/png/. "$folder/cutouts"
cp package/usr/share/doc/openclipart-png/copyright "$folder/cutouts"

${PYTHON:-python} -m pip download --no-deps --dest . scikit-image
unzip -q scikit_image-*.whl 'skimage/data/*'
for name in astronaut.png brick.png camera.png chelsea.png coffee.png grass.png gravel.png hubble_deep_field.jpg retina.jpg \
    rocket.jpg; do
    cp "skimage/data/$name" "$folder/photos"
done
echo "$(find "$folder/cutouts" -name '*.png' | wc -l) cut-outs, $(find "$folder/photos" -type f | wc -l) photos in $folder"
