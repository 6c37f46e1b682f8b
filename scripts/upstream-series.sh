#!/bin/bash
# SPDX-License-Identifier: MIT
#
# upstream-series.sh [LINUX]: the driver as patches to the kernel, in
# build/upstream/, and TAP of whether they are what reviewers expect: they apply
# to the source that nobody has touched, build without a warning of the compiler
# or of sparse, with everything that the driver can use and with the least, and
# checkpatch, kernel-doc and the headers of user space have nothing to say.
#
# LINUX is a kernel source tree. Without it, the newest one that Debian has for the
# bed's release is fetched and unpacked in the bed's folder: 160 MB and 1.8 GB, of
# which 400 MB are kept for the next time.
set -uo pipefail

cd "$(dirname "$0")/.." || exit

# shellcheck source=scripts/house.sh
. scripts/house.sh

linux=${1:-}
out=build/upstream
tree=$(tests/vm/bed.sh) || exit
bed=${tree%/*}
store=$bed/upstream
driver=drivers/accel/ctrans
begun=$SECONDS

say() { echo "upstream: $((SECONDS - begun)) s: $*" >&2; }
die() { say "$*"; exit 1; }
in_bed() { tests/vm/enter.sh sh -c "$1" 2>&1; }

# What the patches touch, and is brought back to what it was before each run.
touched=(MAINTAINERS drivers/accel Documentation/accel Documentation/ABI/testing
	include/uapi/drm)

# ---- The source ----------------------------------------------------------------

# What building one folder of drivers takes no part of.
prune()
{
	# Licence lines are checked by the house; the kernel's check wants a module
	# of Python that the bed has not.
	chmod -x "$1/scripts/spdxcheck.py"
	(cd "$1" && find drivers sound fs net mm samples security crypto virt block \
		-path drivers/accel -prune -o -type f -name '*.[chS]' -print0 |
		xargs -0 rm -f
	find arch -mindepth 2 ! -path 'arch/x86/*' -type f ! -name 'Kconfig*' \
		-delete
	find tools -mindepth 1 -maxdepth 1 -type d \
		\( -name perf -o -name testing -o -name bpf \) -exec rm -rf {} +)
}

# adopt FOLDER: what was unpacked there is a source from now on
adopt()
{
	prune "$1"
	git -C "$1" init -q -b pristine &&
		git -C "$1" add -f "${touched[@]}" &&
		git -C "$1" -c user.name=pristine -c user.email=pristine@localhost \
			commit -q -m pristine && git -C "$1" tag untouched
}

mkdir -p "$store" || exit
exec 9>"$store/lock"
flock -n 9 || { say "another one is at it: waiting"; flock 9; }

if [ -n "$linux" ]; then
	[ -f "$linux/MAINTAINERS" ] || die "$linux is no kernel source"
	name=given
	rm -rf "${store:?}/$name"
	say "copying $linux"
	mkdir "$store/$name"
	tar -C "$linux" --exclude-vcs -cf - . | tar -C "$store/$name" -xf - ||
		die "cannot copy $linux"
	adopt "$store/$name" || exit
else
	# Lists of our own: the tree stays as it was made.
	apt="apt-get -qq -o Dir::State::lists=/bed/upstream/lists"
	[ -n "$(find "$store/lists" -maxdepth 1 -name '*_Packages*' -mtime -1 \
		2>/dev/null)" ] || {
		say "which is the newest source?"
		mkdir -p "$store/lists/partial"
		in_bed "$apt update" >&2 || die "apt-get update failed"
	}
	package=$(in_bed "apt-cache -o Dir::State::lists=/bed/upstream/lists \
		search --names-only '^linux-source-[0-9.]+\$'" |
		awk '{ print $1 }' | sort -V | tail -n 1)
	[ -n "$package" ] || die "Debian's archive has no linux-source"
	version=$(in_bed "apt-cache -o Dir::State::lists=/bed/upstream/lists \
		show $package" | awk '/^Version:/ { print $2; exit }')
	name=linux-${version//[^0-9A-Za-z.]/_}
	if [ ! -f "$store/$name/.complete" ]; then
		say "fetching $package $version"
		rm -rf "$store"/linux-[0-9]* "$store"/*.deb
		in_bed "cd /bed/upstream && $apt -o APT::Sandbox::User=root \
			download $package=$version" >&2 || die "cannot fetch it"
		say "unpacking"
		mkdir "$store/$name"
		deb=("$store/$package"_*.deb)
		dpkg-deb --fsys-tarfile "${deb[0]}" |
			tar -xOf - --wildcards './usr/src/linux-source-*.tar.xz' |
			tar -C "$store/$name" -xJf - --strip-components=1 \
				--no-same-owner || die "cannot unpack ${deb[0]}"
		adopt "$store/$name" || exit
		rm -f "${deb[@]}"
		touch "$store/$name/.complete"
	fi
fi
source=$store/$name
inside=/bed/upstream/$name
git -C "$source" am --abort 2>/dev/null
git -C "$source" reset -q --hard untouched || exit
git -C "$source" clean -fdxq -- "${touched[@]}"

# ---- The patches ---------------------------------------------------------------

say "writing $out"
mkdir -p build
python3 scripts/upstream/series.py "$source" $out >/dev/null || exit
cp -r $out "$store/patches.new"
rm -rf "$store/patches"
mv "$store/patches.new" "$store/patches"

# configure CONFIG BUILD: which lines of CONFIG.config do not come to be, in BUILD
configure()
{
	local lost

	mkdir -p "$store/$2"
	in_bed "KCONFIG_ALLCONFIG=/bed/upstream/$1.config make -s -C $inside \
		O=/bed/upstream/$2 allnoconfig"
	lost=$(grep -E '^CONFIG_' "$store/$1.config" |
		grep -vxFf "$store/$2/.config")
	[ -z "$lost" ] || echo "the configuration does not take" $lost
}

# build BUILD: warnings of compiler and sparse about our files
build()
{
	local made log=$store/$1.log

	made="make -C $inside O=/bed/upstream/$1 -j$(nproc)"
	if ! in_bed "nice $made prepare" >"$log"; then
		tail -n 20 "$log"
		return
	fi
	# Sparse of trixie does not know __typeof_unqual__.
	if ! in_bed "nice $made V=0 W=1 C=2 $driver/ \
		CHECK='sparse -D__typeof_unqual__=__typeof__'" >"$log"; then
		echo "the build failed"
		tail -n 40 "$log"
		return
	fi
	# ... nor that MODULE_INFO() measures a string at compile time.
	grep -E "(accel/ctrans|drm/ctrans_).*(warning|error)" "$log" |
		grep -v 'bad constant expression'
	# A mistake in Kconfig would look like success.
	[ -n "$(find "$store/$1/$driver" -name 'ctrans_drv.o')" ] ||
		echo "nothing of $driver was built"
	grep -q "CHECK .*$driver/ctrans_drv.c" "$log" || echo "sparse did not run"
}

# One by one, so that whoever bisects meets no kernel that does not build.
for patch in "$out"/0*.patch; do
	file=${patch##*/}
	[ "${file%%-*}" != 0000 ] || continue
	applied=$(git -C "$source" -c user.name=upstream \
		-c user.email=upstream@localhost am -q "$store/patches/$file" 2>&1)
	status=$?
	result "$file applies" < <([ $status = 0 ] || echo "$applied")
	[ $status = 0 ] || { house_done; exit 1; }
	if [ -f "$source/$driver/Makefile" ] && [ ! -d "$source/$driver/tests" ]; then
		say "building what is there so far, with everything"
		result "$file leaves a kernel that builds without a warning" < <(
			sed '/KUNIT_TEST/d' scripts/upstream/all.config \
				>"$store/first.config"
			configure first build-all
			build build-all)
	fi
	# Reviewers know that MAINTAINERS came with the first of them. BIT() does not
	# exist where headers of user space are included.
	# Trace headers have a form of their own.
	result "checkpatch --strict: $file" < <(
		in_bed "cd $inside && scripts/checkpatch.pl --strict --terse \
			--show-types --no-summary --showfile \
			--ignore FILE_PATH_CHANGES \
			$([[ $file != *uapi* ]] || echo --ignore BIT_MACRO) \
			../patches/$file" |
			grep -vE '_trace\.h:.*(PARENTHESIS_ALIGNMENT|OPEN_ENDED_LINE)')
done

say "with everything, and with the least"
cp scripts/upstream/*.config "$store/"
for config in all least; do
	result "W=1 and sparse, $config.config" < <(
		configure $config build-$config
		build build-$config)
done

# Of ours alone: others' files are as they are.
result "the ABI file is what get_abi.py reads" < <(
	tool=tools/docs/get_abi.py
	[ ! -f "$source/$tool" ] ||
		in_bed "cd $inside && python3 $tool validate" | grep -i ctrans)

result "kernel-doc -Werror" < <(
	tool=scripts/kernel-doc
	[ ! -f "$source/tools/docs/kernel-doc" ] || tool=tools/docs/kernel-doc
	in_bed "cd $inside && $tool -none -Werror $driver/*.[ch] $driver/tests/*.c \
		include/uapi/drm/ctrans_*.h" | grep -E 'warning|error|rror:')

say "headers for user space"
result "make headers" < <(
	in_bed "make -s -C $inside O=/bed/upstream/build-all headers" ||
		echo "it failed")
for header in "$source"/include/uapi/drm/ctrans_*.h; do
	name=${header##*/}
	for language in c11 c++11; do
		[ $language = c11 ] || command -v g++ >/dev/null || {
			n=$((n + 1))
			echo "ok $n - <drm/$name> in $language # SKIP no g++"
			continue
		}
		result "<drm/$name> in $language" < <(
			printf '#include <drm/%s>\nint main(void) { return 0; }\n' \
				"$name" |
				gcc -x "${language%11}" -std=$language -Wall -Wextra \
					-Werror -fsyntax-only \
					-isystem "$store/build-all/usr/include" - 2>&1)
	done
done

# What the patches leave is what is to be sent: nothing of ours by another name.
result "nothing of this repository's paths is left in them" < <(
	grep -nE '^\+.*(\.\./uapi|tests/vm|scripts/|docs/driver)' "$out"/0*.patch |
		grep -v 'tested.rst' | cut -c1-160)

say "$(find "$out" -name '0*.patch' | wc -l) patches in $out"
house_done
