#!/bin/bash
# Installs what Valley needs from Debian's own packages (Debian 12 and 13); a second call finds
# everything there and installs nothing.
#
#   scripts/setup.sh            what it takes to build and to run
#   scripts/setup.sh --python   and for the Python package, for the distribution's PyTorch
#   scripts/setup.sh --tests    and to test, the Python package included
#   scripts/setup.sh --slow     and for the slow tests (scripts/test-slow.sh)
#   scripts/setup.sh --fuzz     and to fuzz (scripts/fuzz.sh)
#   scripts/setup.sh --tools    and to format and to lint (scripts/format.sh, scripts/lint.sh)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

packages=(
  g++ cmake ninja-build
  ccache mold                          # make a second build and every link faster
  libtorch-dev                         # tensors, autograd, optimizers
  libopenblas0-openmp                  # the matrix products; its threads are LibTorch's own
  libcli11-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev zlib1g-dev
  libsndfile1-dev                      # WAV files
  libopenmpi-dev openmpi-bin           # the backend mpi, and mpirun
  libpng-dev libturbojpeg0-dev         # pictures
  libcsv-dev                           # tables
  libssl-dev                           # libcrypto: who knows the token of a job
  dataset-fashion-mnist
  esbuild                              # makes Plotly.js, which draws the reports, smaller
)
python=(python3 python3-dev python3-numpy python3-torch pybind11-dev)
for argument in "$@"; do
  case $argument in
    --python) packages+=("${python[@]}") ;;
    --tests) packages+=("${python[@]}" libgtest-dev libgmock-dev libgloo-dev chromium-headless-shell
                        iproute2 pkg-config python3-pil) ;;
    --slow) packages+=(python3-torchvision strace) ;;
    --fuzz) packages+=(clang libclang-rt-dev) ;;
    --tools) packages+=(clang-format-14 clang-tidy-14 python3) ;;
    *) fail "unknown argument '$argument'; known: --python, --tests, --slow, --fuzz, --tools" ;;
  esac
done

if ! command -v dpkg-query > /dev/null; then
  fail "this is no Debian; install by hand what these packages hold: ${packages[*]}"
fi

installed=" $(dpkg-query --show --showformat '${Package}/${db:Status-Status} ' "${packages[@]}" \
  2> /dev/null || true)"
missing=()
for package in "${packages[@]}"; do
  [[ $installed == *" $package/installed "* ]] || missing+=("$package")
done

if ((${#missing[@]} == 0)); then
  echo "setup: all ${#packages[@]} packages are installed"
else
  echo "setup: installing ${missing[*]}"
  as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo > /dev/null; then
      fail "this needs root and there is no sudo; as root: apt-get install ${missing[*]}"
    fi
    as_root=(sudo)
  fi
  apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }
  apt update -qq || fail "apt-get update failed; see its messages above"
  apt install --yes --no-install-recommends -qq "${missing[@]}" \
    || fail "apt-get install failed; see its messages above"
fi

# Plotly.js becomes part of the program. Debian has it inside python3-plotly, whose other 44 MB and
# dependencies nobody needs here: the package is fetched, not installed, and the one file taken out.
plotly=$root/third_party/plotly.min.js
if [[ ! -s $plotly ]]; then
  echo "setup: taking Plotly.js out of the package python3-plotly"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  file=usr/share/python3-plotly/plotly.js
  if [[ -s /$file ]]; then
    cp "/$file" "$work/plotly.js"
  else
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root python3-plotly) \
      || fail "apt-get download python3-plotly failed; see its messages above"
    dpkg-deb --fsys-tarfile "$work"/python3-plotly_*.deb | tar -xO "./$file" > "$work/plotly.js"
  fi
  mkdir -p "$root/third_party"
  # Its first comment is the copyright, which stays.
  esbuild "$work/plotly.js" --minify --legal-comments=inline --log-level=warning \
    --banner:js="$(sed '/\*\//q' "$work/plotly.js")" \
    --outfile="$work/plotly.min.js" || fail "esbuild could not read $file"
  mv "$work/plotly.min.js" "$plotly"
fi

# Another CMake may come first in PATH.
version=$(cmake --version | awk 'NR == 1 { print $3 }')
if [[ $(printf '%s\n' 3.25 "$version" | sort --version-sort | head -n 1) != 3.25 ]]; then
  fail "CMake 3.25 or newer is needed, $(command -v cmake) is $version"
fi
