/* Names of this machine, and where a request comes from. */

#include "service/auth/origin.h"

#include <criterion/criterion.h>

Test(origin, the_host_of_an_authority)
{
    static const struct {
        const char *authority;
        const char *host;
    } cases[] = {
        {"localhost", "localhost"},
        {"localhost:8082", "localhost"},
        {"localhost:", "localhost"},
        {"127.0.0.1:1", "127.0.0.1"},
        {"[::1]", "::1"},
        {"[::1]:8082", "::1"},
        {"", ""},
        {":80", ""},
        {"[::1", ""},
        {"[]", ""},
        {"[::1]80", ""},
        {"::1", ""},
        {"localhost:80:80", ""},
        {"localhost:80 ", ""},
        {"user@localhost:80x", ""},
        {"localhost:-1", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(slice_is(origin_host(slice_from(cases[i].authority)), cases[i].host), "%s",
                  cases[i].authority);
    cr_expect_eq(origin_host((struct slice){0}).len, 0);
}

Test(origin, names_of_this_machine)
{
    static const char *const names[] = {
        "localhost",      "LocalHost:8082",  "127.0.0.1",
        "127.0.0.1:8082", "127.255.255.254", "127.1.2.3:65535",
        "[::1]",          "[::1]:80",        "[0:0:0:0:0:0:0:1]:8082",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cr_expect(origin_is_loopback(slice_from(names[i])), "%s", names[i]);
}

Test(origin, names_of_anything_else)
{
    static const char *const names[] = {
        "",
        "x",
        "evil.example",
        "localhost.evil.example",
        "evil.localhost:80",
        "localhos",
        "localhost.",
        "localhost, localhost",
        "127.0.0.1.evil.example",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0127.0.0.1",
        "128.0.0.1",
        "126.0.0.1",
        "0.0.0.0",
        "10.0.0.1:8082",
        "::1",
        "[::]",
        "[::2]",
        "[fe80::1]",
        "[127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::1]:8082:1",
        "[::1]x",
        "[::1%lo]",
        "user@localhost",
        "localhost/",
        "http://localhost",
        " localhost",
        "localhost ",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cr_expect_not(origin_is_loopback(slice_from(names[i])), "%s", names[i]);
    cr_expect_not(origin_is_loopback((struct slice){0}));
    cr_expect_not(origin_is_loopback((struct slice){"127.0.0.1\0x", 11}));
}

Test(origin, the_same_or_another)
{
    static const struct {
        const char *origin;
        const char *authority;
        bool same;
    } cases[] = {
        {"http://localhost:8082", "localhost:8082", true},
        {"HTTP://LocalHost:8082", "localhost:8082", true},
        {"https://localhost:8082", "localhost:8082", true},
        {"http://localhost", "localhost", true},
        {"http://localhost:3000", "localhost:8082", false},
        {"http://localhost", "localhost:8082", false},
        {"http://127.0.0.1:8082", "localhost:8082", false},
        {"http://localhost:80821", "localhost:8082", false},
        {"http://evil.example", "localhost:8082", false},
        {"null", "localhost:8082", false},
        {"", "localhost:8082", false},
        {"http://", "", false},
        {"localhost:8082", "localhost:8082", false},
        {"file://localhost:8082", "localhost:8082", false},
        {"http://localhost:8082, http://localhost:8082", "localhost:8082", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(origin_is_same(slice_from(cases[i].origin), slice_from(cases[i].authority)),
                     cases[i].same, "%s at %s", cases[i].origin, cases[i].authority);
}
