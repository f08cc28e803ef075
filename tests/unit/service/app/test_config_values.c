/* Values that are neither a number nor a text: modes, switches, and the token that is no flag. */

#include "service/app/config.h"
#include "tests/unit/support/command_line.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct config config;
static struct error err;

static void forget_environment(void)
{
    unsetenv("SESSIOND_SOCKET_MODE");
    unsetenv("SESSIOND_TOKEN");
    unsetenv("SESSIOND_ALLOW_ANONYMOUS");
    unsetenv("SESSIOND_SANDBOX");
}

TestSuite(config_values, .init = forget_environment);

static bool reads(const char *one, const char *two, const char *three)
{
    enum config_action action;

    return read_words(&config, &action, one, two, three, &err);
}

Test(config_values, a_mode_is_octal)
{
    cr_assert(reads(NULL, NULL, NULL));
    cr_expect_eq(config.socket_mode, 0600);
    cr_assert(reads("--socket-mode", "0660", NULL));
    cr_expect_eq(config.socket_mode, 0660);
    cr_assert(reads("--socket-mode=777", NULL, NULL));
    cr_expect_eq(config.socket_mode, 0777);
    cr_assert(reads("--socket-mode", "0", NULL));
    cr_expect_eq(config.socket_mode, 0);
}

Test(config_values, what_is_no_mode_is_refused)
{
    static const char *const bad[] = {"",   "8",     "0680", "1777", "00777",
                                      "rw", "0x1ff", "-600", "6 "};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads("--socket-mode", bad[i], NULL), "\"%s\"", bad[i]);
        cr_expect(strstr(err.detail, "--socket-mode takes permissions in octal"), "%s", err.detail);
    }
}

Test(config_values, a_switch_stands_alone_or_has_on_or_off)
{
    static const struct {
        const char *words[3];
        bool on;
    } good[] = {
        {{"--allow-anonymous"}, true},
        {{"--allow-anonymous=on"}, true},
        {{"--allow-anonymous", "on"}, true},
        {{"--allow-anonymous=off"}, false},
        {{"--allow-anonymous", "off"}, false},
        {{"--allow-anonymous", "--max-queue=5"}, true},
        {{"--allow-anonymous", "--allow-anonymous", "off"}, false},
    };
    static const char *const bad[] = {"", "ON", "yes", "1", "true", "on "};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *const *words = good[i].words;
        cr_expect(reads(words[0], words[1], words[2]), "%s", err.detail);
        cr_expect_eq(config.allow_anonymous, good[i].on, "%s %s", words[0], words[1]);
        cr_expect_null(config.file);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        setenv("SESSIOND_ALLOW_ANONYMOUS", bad[i], 1);
        cr_expect_not(reads(NULL, NULL, NULL), "\"%s\"", bad[i]);
        cr_expect(strstr(err.detail, "SESSIOND_ALLOW_ANONYMOUS takes on or off"), "%s", err.detail);
    }
    setenv("SESSIOND_ALLOW_ANONYMOUS", "on", 1);
    cr_expect(reads(NULL, NULL, NULL));
    cr_expect(config.allow_anonymous);
    cr_expect(reads("--allow-anonymous=off", NULL, NULL), "the flag wins");
    cr_expect_not(config.allow_anonymous);
}

Test(config_values, a_token_is_no_flag)
{
    setenv("SESSIOND_TOKEN", "abc", 1);
    cr_expect(reads(NULL, NULL, NULL));
    cr_expect_str_eq(config.token, "abc");
    cr_expect_not(reads("--token", "abc", NULL));
    cr_expect_not(reads("--token=abc", NULL, NULL));
    setenv("SESSIOND_TOKEN", "", 1);
    cr_expect_not(reads(NULL, NULL, NULL));
    cr_expect(strstr(err.detail, "SESSIOND_TOKEN must not be empty"), "%s", err.detail);
}

/* It has to fit into the head of a request. */
Test(config_values, a_token_is_not_longer_than_clients_can_send)
{
    char token[514];

    memset(token, 'a', sizeof(token));
    token[512] = '\0';
    setenv("SESSIOND_TOKEN", token, 1);
    cr_expect(reads(NULL, NULL, NULL));
    token[512] = 'a';
    token[513] = '\0';
    setenv("SESSIOND_TOKEN", token, 1);
    cr_expect_not(reads(NULL, NULL, NULL));
    cr_expect(strstr(err.detail, "SESSIOND_TOKEN has 513 characters; the limit is 512"), "%s",
              err.detail);
}

Test(config_values, sandbox_is_a_switch_that_is_on)
{
    cr_assert(reads(NULL, NULL, NULL));
    cr_expect(config.sandbox);
    cr_assert(reads("--sandbox", "off", NULL));
    cr_expect_not(config.sandbox);
    setenv("SESSIOND_SANDBOX", "off", 1);
    cr_assert(reads("--sandbox", NULL, NULL));
    cr_expect(config.sandbox);
}
