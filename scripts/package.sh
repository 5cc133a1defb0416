#!/bin/bash
# Builds the Debian packages of the program (valley), of the library (libvalley-dev), of the Python package
# (python3-valley) and of the backend mpi (valley-mpi) into build/packages, against the LibTorch and PyTorch of
# the distribution that this runs on.
#
#   scripts/package.sh
#
# scripts/test-packages.sh installs them in a Debian of its own and tries them.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$root"
scripts/setup.sh --python
command -v dpkg-shlibdeps > /dev/null || fail "dpkg-dev is missing: apt-get install dpkg-dev"
say "build"
cmake --preset release -B build/package -DVALLEY_BUILD_TESTS=OFF -DVALLEY_BUILD_PYTHON=ON
cmake --build build/package --parallel "$(job_count)"
say "packages"
rm -rf build/packages
cpack --config build/package/CPackConfig.cmake -B build/packages
rm -rf build/packages/_CPack_Packages
for package in build/packages/*.deb; do
  say "$package"
  dpkg-deb --field "$package" Package Version Installed-Size Depends Recommends
done
