# sandbox-shell: build, install, try, test. `make help` lists what there is.
#
# Everything that is made lands in build/; nothing outside is written but by deps and install.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
PAMDIR     ?= /lib/security
DESTDIR    ?=
CC         ?= gcc
NAME       ?=
SAN        ?=
SECONDS    ?= 60
VM         ?=

ifeq ($(SAN),1)
BUILD    := build/san
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g
# AddressSanitizer can't be linked statically.
SANITIZE_STATIC := -fsanitize=undefined -fno-sanitize-recover=all -g
else
BUILD    := build
SANITIZE :=
SANITIZE_STATIC :=
endif

WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wundef -Wwrite-strings -Wvla -Werror
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fvisibility=hidden
CFLAGS   ?= -O2
BASE     := -std=gnu17 -D_GNU_SOURCE -Isrc -MMD -MP $(WARNINGS) $(HARDEN) $(CFLAGS) \
            -DSBX_PREFIX='"$(PREFIX)"' -DSBX_SYSCONFDIR='"$(SYSCONFDIR)"'
LINK     := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LIBS     := -lcjson

BINDIR     := $(DESTDIR)$(PREFIX)/bin
LIBEXECDIR := $(DESTDIR)$(PREFIX)/libexec/sandbox-shell
SHAREDIR   := $(DESTDIR)$(PREFIX)/share/sandbox-shell
MANDIR     := $(DESTDIR)$(PREFIX)/share/man
CONFDIR    := $(DESTDIR)$(SYSCONFDIR)/sandbox-shell
IMAGEDIR   := $(DESTDIR)/var/lib/sandbox-shell/images
LIBDIR     := $(DESTDIR)$(PREFIX)/lib

# What the host's sshd and systemd read: FILE:PLACE, of those in docs/host.
HOST_FILES := sshd.conf:$(DESTDIR)$(SYSCONFDIR)/ssh/sshd_config.d/50-sandbox-shell.conf \
              user@.service.conf:$(LIBDIR)/systemd/system/user@.service.d/50-sandbox-shell.conf \
              sysusers.conf:$(LIBDIR)/sysusers.d/sandbox-shell.conf \
              tmpfiles.conf:$(LIBDIR)/tmpfiles.d/sandbox-shell.conf

LIB_SRC   := $(wildcard src/*.c)
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/syscall_names.o $(BUILD)/gen/confine_filter.o
CTL_OBJ   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard shell/ctl*.c) shell/sandboxctl.c)
INIT_OBJ  := $(patsubst %.c,$(BUILD)/static/%.o,$(wildcard shell/init*.c) src/wire.c)
FRONT_OBJ := $(BUILD)/static/shell/sandbox-shell.o
# What unenroll takes away is what the module made.
CTL_OBJ   += $(patsubst %,$(BUILD)/pam/%.o,pam_account_limits pam_group pam_marks pam_runtime)
PAM_OBJ   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard pam/*.c))
SAN_OBJ   := $(if $(SANITIZE),$(BUILD)/tests/sanitizer.o)
UNIT      := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
HELPERS   := $(patsubst tests/helpers/%.c,$(BUILD)/helpers/%,$(wildcard tests/helpers/*.c))
PROGRAMS  := $(BUILD)/sandbox-shell $(BUILD)/sandbox-session $(BUILD)/sandbox-init $(BUILD)/sandboxctl \
             $(BUILD)/pam_sandbox.so
MAN_PAGES := $(wildcard docs/man/*.[158])

.PHONY: all deb deps install uninstall demo test unit lint bench fuzz fuzzers clean help build-base box ls rm helpers
.DELETE_ON_ERROR:

all: $(PROGRAMS)

help:
	@sed -n 's/^## //p' Makefile

## make demo           everything at once: a throwaway host, a real ssh login into a sandbox, shown
## make test           all tests (SAN=0 without, SAN=1 only with the sanitizers;
##                     VM=0 without the virtual machine, VM=trixie with Debian 13 in it)
## make deps           install what building and testing needs (apt or dnf; as root)
## make all            build into build/
## make install        install to PREFIX, SYSCONFDIR (DESTDIR for packagers); uninstall undoes it
## make deb            a Debian package, in build/
## make fuzz           feed each parser with what nobody thought of, for SECONDS=60 each
## make lint, bench, clean
## make build-base     make the stock base image for the caller (as root: for all accounts)
## make box NAME=x     a shell in the sandbox sandboxes/x of this checkout, made on first use
## make ls, rm NAME=x  list them, remove one

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(BASE) $(SANITIZE) -fPIC -c -o $@ $<

$(BUILD)/static/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(BASE) $(SANITIZE_STATIC) -fPIE -c -o $@ $<

$(BUILD)/libsandbox.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $(LIB_OBJ)

# What libseccomp knows is written down now: a login would take longer with it than with all else that it reads.
$(BUILD)/gen/seccomp_tables: src/gen/seccomp_tables.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(BASE) $(SANITIZE) -o $@ $< -lseccomp

$(BUILD)/gen/syscall_names.c $(BUILD)/gen/confine_filter.c: $(BUILD)/gen/seccomp_tables
	@$< $(basename $(@F)) >$@

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c Makefile
	@$(CC) $(BASE) $(SANITIZE) -fPIC -c -o $@ $<

# Statically linked: it must run in any image.
$(BUILD)/sandbox-init: $(INIT_OBJ)
	@echo "  LINK  $@"
	@$(CC) $(SANITIZE_STATIC) -static-pie -Wl,-z,relro,-z,now -o $@ $(INIT_OBJ)

# No loader that LD_PRELOAD could reach. Without a C library there's neither a stack protector's canary nor a sanitizer's runtime.
$(FRONT_OBJ): shell/sandbox-shell.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(filter-out $(HARDEN),$(BASE)) -fno-stack-protector -ffreestanding -fvisibility=hidden -fPIE -c -o $@ $<

$(BUILD)/sandbox-shell: $(FRONT_OBJ)
	@echo "  LINK  $@"
	@$(CC) -nostdlib -static-pie -Wl,-z,relro,-z,now,-z,noexecstack -o $@ $(FRONT_OBJ)

$(BUILD)/sandbox-session: $(BUILD)/shell/sandbox-session.o $(SAN_OBJ) $(BUILD)/libsandbox.a
	@echo "  LINK  $@"
	@$(CC) $(SANITIZE) $(LINK) -o $@ $^ $(LIBS)

$(BUILD)/sandboxctl: $(CTL_OBJ) $(SAN_OBJ) $(BUILD)/libsandbox.a
	@echo "  LINK  $@"
	@$(CC) $(SANITIZE) $(LINK) -o $@ $^ $(LIBS)

$(BUILD)/pam_sandbox.so: $(PAM_OBJ) $(BUILD)/libsandbox.a pam/pam_sandbox.map
	@echo "  LINK  $@"
	@$(CC) $(SANITIZE) -shared -Wl,-z,relro,-z,now,-z,defs,--as-needed,--version-script=pam/pam_sandbox.map \
		-o $@ $(PAM_OBJ) $(BUILD)/libsandbox.a -lpam -lcjson

# Its parts are linked into its tests; some of them load the module itself.
$(BUILD)/unit/test_pam_%: $(BUILD)/tests/unit/test_pam_%.o $(filter-out %/pam_sandbox.o,$(PAM_OBJ)) \
		$(BUILD)/libsandbox.a | $(BUILD)/pam_sandbox.so
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SANITIZE) $(LINK) -o $@ $^ -lcmocka -lpam $(LIBS)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libsandbox.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SANITIZE) $(LINK) -o $@ $^ -lcmocka $(LIBS)

# Static, so that they run inside any sandbox.
$(BUILD)/helpers/%: tests/helpers/%.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(BASE) -static -o $@ $< -lseccomp

helpers: $(HELPERS)

# libFuzzer is clang's, and so is then all that it looks into.
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZERS    := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIB   := $(LIB_SRC:%.c=build/fuzz/%.o) build/fuzz/gen/syscall_names.o build/fuzz/gen/confine_filter.o

build/fuzz/%.o: %.c Makefile
	@mkdir -p $(@D)
	@clang $(BASE) $(FUZZ_FLAGS) -c -o $@ $<

build/fuzz/gen/%.o: build/gen/%.c Makefile
	@mkdir -p $(@D)
	@clang $(BASE) $(FUZZ_FLAGS) -c -o $@ $<

$(FUZZERS): build/fuzz/%: build/fuzz/tests/fuzz/%.o $(FUZZ_LIB)
	@echo "  LINK  $@"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

fuzzers: $(FUZZERS)

fuzz: fuzzers
	@tests/fuzz/run $(SECONDS)

DEPS_APT := gcc make pkg-config libc6-dev libcjson-dev libseccomp-dev libpam0g-dev libcmocka-dev podman crun \
            buildah uidmap slirp4netns fuse-overlayfs mmdebstrap openssh-server openssh-client openssh-sftp-server \
            bats tmux expect hyperfine pamtester mandoc clang libclang-rt-dev clang-format clang-tidy cppcheck \
            shellcheck jq rsync git iproute2 valgrind strace procps util-linux binutils libcap2-bin qemu-system-x86 qemu-utils e2fsprogs \
            debhelper lintian
DEPS_DNF := gcc make pkgconf glibc-devel glibc-static cjson-devel libseccomp-devel libseccomp-static pam-devel libcmocka-devel \
            podman crun shadow-utils slirp4netns fuse-overlayfs openssh-server openssh-clients bats tmux expect hyperfine \
            mandoc clang compiler-rt clang-tools-extra cppcheck ShellCheck jq rsync git iproute valgrind strace procps-ng \
            util-linux binutils libcap

deps:
	@if command -v apt-get >/dev/null; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends $(DEPS_APT); \
	elif command -v dnf >/dev/null; then \
		dnf install -q -y $(DEPS_DNF); \
	else \
		echo "make deps: neither apt-get nor dnf: install by hand: $(DEPS_APT)" >&2; exit 1; \
	fi

install: all
	install -d $(BINDIR) $(LIBEXECDIR) $(SHAREDIR) $(CONFDIR) $(IMAGEDIR)
	install -d $(CONFDIR)/policy.d $(CONFDIR)/authorized_keys.d $(CONFDIR)/podman
	install -m 755 $(BUILD)/sandbox-shell $(BUILD)/sandboxctl $(BINDIR)
	install -m 755 $(BUILD)/sandbox-session $(BUILD)/sandbox-init $(LIBEXECDIR)
	install -d $(DESTDIR)$(PAMDIR) $(SHAREDIR)/pam.d
	install -m 644 $(BUILD)/pam_sandbox.so $(DESTDIR)$(PAMDIR)
	install -m 644 pam/examples/sshd pam/examples/login $(SHAREDIR)/pam.d
	install -m 644 Containerfile docs/policy.schema.json $(SHAREDIR)
	install -m 755 setup.sh $(SHAREDIR)
	[ -e $(CONFDIR)/setup.sh ] || install -m 755 setup.sh $(CONFDIR)/setup.sh
	[ -e $(CONFDIR)/policy.json ] || install -m 644 docs/policy.json $(CONFDIR)/policy.json
	for page in $(MAN_PAGES); do \
		install -D -m 644 $$page $(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	for file in $(HOST_FILES); do \
		install -D -m 644 /dev/null $${file#*:}.new && \
		sed 's|@PREFIX@|$(PREFIX)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' docs/host/$${file%%:*} >$${file#*:}.new && \
		mv -f $${file#*:}.new $${file#*:} && \
		install -D -m 644 $${file#*:} $(SHAREDIR)/host/$${file%%:*} || exit 1; done

# A copy, in which .debian is called debian as dpkg wants it.
VERSION   := $(shell sed -n 's/^\#define SBX_VERSION "\(.*\)"/\1/p' src/version.h)
DEB       := build/sandbox-shell_$(VERSION)_$(shell dpkg --print-architecture 2>/dev/null).deb
DEB_FROM  := Makefile LICENSE README.md Containerfile setup.sh docs pam shell src
# Looked for only when the package is asked for.
DEB_FILES := $(if $(filter deb,$(MAKECMDGOALS)),$(shell find $(DEB_FROM) .debian -type f))
DEB_STAGE := build/deb/sandbox-shell-$(VERSION)

deb: $(DEB)

$(DEB): $(DEB_FILES)
	@head -n 1 .debian/changelog | grep -qF '($(VERSION))' || \
		{ echo "make deb: src/version.h says $(VERSION), .debian/changelog doesn't" >&2; exit 1; }
	@echo "  DEB   $@"
	@rm -rf build/deb
	@mkdir -p $(DEB_STAGE)
	@cp -r $(DEB_FROM) $(DEB_STAGE)
	@cp -r .debian $(DEB_STAGE)/debian
	@cd $(DEB_STAGE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL DEB_BUILD_OPTIONS=noautodbgsym \
		dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >../log 2>&1 || { cat ../log >&2; exit 1; }
	@mv build/deb/$(@F) $@

# Policies, keys, setup.sh and images are the operator's: they stay.
uninstall:
	rm -f $(DESTDIR)$(PAMDIR)/pam_sandbox.so
	rm -f $(BINDIR)/sandbox-shell $(BINDIR)/sandboxctl
	rm -rf $(LIBEXECDIR) $(SHAREDIR)
	for page in $(MAN_PAGES); do rm -f $(MANDIR)/man$${page##*.}/$${page##*/}; done
	for file in $(HOST_FILES); do rm -f $${file#*:}; done
	rmdir $(LIBDIR)/systemd/system/user@.service.d 2>/dev/null || true

demo: deps
	@$(MAKE) --no-print-directory -s all
	@tests/demo

# What building and testing calls; deps where something of it is missing.
TOOLS := gcc clang pamtester podman crun newuidmap slirp4netns mmdebstrap sshd ssh-keygen bats tmux expect jq rsync git ip \
         qemu-system-x86_64 qemu-img mke2fs dh lintian readelf getcap

test:
	@(for tool in $(TOOLS); do command -v $$tool || exit 1; done) >/dev/null && \
		pkg-config --exists libcjson libseccomp cmocka pam && \
		ls "$$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer[-.]* >/dev/null 2>&1 || $(MAKE) --no-print-directory deps
	@tests/run $(if $(SAN),--sanitize=$(SAN)) $(if $(VM),--vm=$(VM))

unit: $(UNIT)

lint:
	@tests/lint

bench: all
	@tests/bench

clean:
	rm -rf build

build-base: all
	@$(BUILD)/sandboxctl --dir sandboxes build-base

box: all
	@test -n "$(NAME)" || { echo "make box: which? make box NAME=x" >&2; exit 2; }
	@$(BUILD)/sandboxctl --dir sandboxes box $(NAME)

ls: all
	@$(BUILD)/sandboxctl --dir sandboxes ls

rm: all
	@test -n "$(NAME)" || { echo "make rm: which? make rm NAME=x" >&2; exit 2; }
	@$(BUILD)/sandboxctl --dir sandboxes rm $(NAME)

-include $(LIB_OBJ:.o=.d) $(PAM_OBJ:.o=.d) $(CTL_OBJ:.o=.d) $(INIT_OBJ:.o=.d) $(FRONT_OBJ:.o=.d) $(BUILD)/shell/sandbox-session.d \
         $(UNIT:$(BUILD)/unit/%=$(BUILD)/tests/unit/%.d) $(FUZZ_LIB:.o=.d) $(FUZZERS:build/fuzz/%=build/fuzz/tests/fuzz/%.d)
