/* Landlock by its system calls, for which glibc has no functions (landlock(7)). */
#include "service/sandbox/sandbox.h"

#include "db/base/durable_file.h"
#include "db/base/lock_file.h"
#include "db/store/open.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct landlock_ruleset_attr of the kernel as of ABI 6; the header of Debian 12 has ABI 2. An
 * older kernel accepts the longer struct when the members that it does not know are zero. */
struct ruleset {
    uint64_t files;
    uint64_t ports;
    uint64_t scopes;
};

#define ABI_2_REFER (1ULL << 13)
#define ABI_3_TRUNCATE (1ULL << 14)
#define ABI_4_BIND_AND_CONNECT 3ULL
#define ABI_5_IOCTL_DEVICE (1ULL << 15)
#define ABI_6_ABSTRACT_SOCKETS_AND_SIGNALS 3ULL

#define ABI_1_FILE_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | ABI_3_TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_REG |                \
     LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* A ruleset under construction. */
struct rules {
    int descriptor;
    /* access rights that the kernel supports */
    uint64_t supported_rights;
    struct error *err;
};

static struct ruleset rights_of_abi(int abi)
{
    struct ruleset all = {.files = ABI_1_FILE_RIGHTS};

    if (abi >= 2)
        all.files |= ABI_2_REFER;
    if (abi >= 3)
        all.files |= ABI_3_TRUNCATE;
    if (abi >= 4)
        all.ports = ABI_4_BIND_AND_CONNECT;
    if (abi >= 5)
        all.files |= ABI_5_IOCTL_DEVICE;
    if (abi >= 6)
        all.scopes = ABI_6_ABSTRACT_SOCKETS_AND_SIGNALS;
    return all;
}

static bool set_error(struct error *err, const char *action, const char *path)
{
    return error_set(err, ERROR_INTERNAL, "sandbox",
                     "cannot %s %.80s: %s; use --sandbox off to start without the sandbox", action,
                     path, strerror(errno));
}

static bool add_rule(const struct rules *rules, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = rights & rules->supported_rights,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };

    if (rule.parent_fd < 0)
        return set_error(rules->err, "open", path);
    const bool added = syscall(SYS_landlock_add_rule, rules->descriptor, LANDLOCK_RULE_PATH_BENEATH,
                               &rule, 0) == 0 ||
                       set_error(rules->err, "allow", path);
    close(rule.parent_fd);
    return added;
}

static bool allow_parent_folder(const struct rules *rules, const char *path, uint64_t rights)
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
        errno = ENAMETOOLONG;
        return set_error(rules->err, "allow", path);
    }
    return add_rule(rules, dirname(copy), rights);
}

/* Allows the folder of the database after symbolic links, where SQLite keeps its files, and the
 * folder of the link itself, where snapshots are created. */
static bool allow_database(const struct rules *rules, const char *path)
{
    char lock[PATH_MAX];

    if (!lock_file_path(path, lock, rules->err))
        return store_open_explain(path, rules->err);
    return allow_parent_folder(rules, path, READ_RIGHTS | WRITE_RIGHTS) &&
           allow_parent_folder(rules, lock, READ_RIGHTS | WRITE_RIGHTS);
}

/* Skips a file that does not exist: the start fails later, with an error of the code that reads the
 * file. */
static bool allow_read_only(const struct rules *rules, const char *path)
{
    char real[PATH_MAX];

    return path == NULL || access(path, F_OK) != 0 ||
           (allow_parent_folder(rules, path, LANDLOCK_ACCESS_FS_READ_FILE) &&
            (realpath(path, real) == NULL ||
             allow_parent_folder(rules, real, LANDLOCK_ACCESS_FS_READ_FILE)));
}

/* SQLite seeds its random numbers from this file. They are part of the checksums in the WAL. */
static bool allow_urandom(const struct rules *rules)
{
    static const char urandom[] = "/dev/urandom";

    return access(urandom, R_OK) != 0 || add_rule(rules, urandom, LANDLOCK_ACCESS_FS_READ_FILE);
}

static bool allow_files(const struct rules *rules, const struct sandbox_files *files)
{
    for (size_t i = 0; i < files->read_only_count; i++) {
        if (!allow_read_only(rules, files->read_only[i]))
            return false;
    }
    return allow_database(rules, files->database) && allow_urandom(rules) &&
           (files->socket == NULL ||
            allow_parent_folder(rules, files->socket, LANDLOCK_ACCESS_FS_REMOVE_FILE));
}

/* ENOSYS and EOPNOTSUPP: the kernel has no Landlock, or it is disabled. EPERM: the seccomp filter
 * of a container engine does not know the system call. */
static int query_abi(void)
{
    const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi < 1 ? SANDBOX_UNSUPPORTED : (int)abi;
}

bool sandbox_apply_landlock(struct sandbox *sandbox, const struct sandbox_files *files,
                            struct error *err)
{
    bool limited = false;

    if (!sandbox->wanted)
        return true;
    if (!durable_file_make_folder(files->database, err))
        return store_open_explain(files->database, err);
    const int abi = query_abi();
    sandbox->landlock = abi;
    if (abi == SANDBOX_UNSUPPORTED)
        return true;
    const struct ruleset all = rights_of_abi(abi);
    const struct rules rules = {
        .descriptor = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0),
        .supported_rights = all.files,
        .err = err,
    };
    if (rules.descriptor < 0)
        return set_error(err, "use", "Landlock");
    if (allow_files(&rules, files))
        limited = syscall(SYS_landlock_restrict_self, rules.descriptor, 0) == 0 ||
                  set_error(err, "use", "Landlock");
    close(rules.descriptor);
    return limited;
}
