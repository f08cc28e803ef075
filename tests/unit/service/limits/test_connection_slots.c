/* Connections: whom they count against, and which one ends when there are too many. */

#include "service/limits/connection_slots.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 16

static struct connection_slots *slots;
static struct connection_slot *taken[MANY];
static int sockets[MANY][2];

/* In all 6, of an address 3, of a token 2. */
static void prepare(void)
{
    const struct connection_slots_options options = {
        .max_connections = 6,
        .of_address.most = {[QUOTA_CONNECTIONS] = 3},
        .of_token.most = {[QUOTA_CONNECTIONS] = 2},
    };

    slots = connection_slots_new(&options);
}

static void finish(void)
{
    for (int i = 0; i < MANY; i++) {
        if (taken[i] == NULL)
            continue;
        (void)connection_slot_release(taken[i]);
        close(sockets[i][0]);
        close(sockets[i][1]);
    }
    connection_slots_free(slots);
}

TestSuite(connection_slots, .init = prepare, .fini = finish);

static void take(int i, uint64_t address)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]), 0);
    taken[i] = connection_slot_acquire(slots, sockets[i][0], address);
}

static bool is_ended(int i)
{
    struct pollfd other = {.fd = sockets[i][1], .events = POLLIN};

    return poll(&other, 1, 0) == 1;
}

static void release(int i)
{
    (void)connection_slot_release(taken[i]);
    close(sockets[i][0]);
    close(sockets[i][1]);
    taken[i] = NULL;
}

static bool authorize(int i, uint64_t token)
{
    cr_assert(connection_slot_begin_request(taken[i]));
    return connection_slot_authorize(taken[i], token);
}

Test(connection_slots, the_oldest_provisional_one_of_the_address_ends_for_a_new_one)
{
    for (int i = 0; i < 3; i++)
        take(i, 1);
    take(3, 2);
    cr_expect_not(is_ended(0));
    take(4, 1);
    cr_expect(is_ended(0));
    cr_expect_not(connection_slot_begin_request(taken[0]), "no request of it is carried out");
    cr_expect_not(is_ended(1) || is_ended(2) || is_ended(3) || is_ended(4));
    cr_expect(connection_slot_release(taken[0]));
    taken[0] = NULL;
    take(5, 1);
    cr_expect(is_ended(1));
}

Test(connection_slots, one_without_a_provisional_one_to_end_is_refused)
{
    for (int i = 0; i < 3; i++) {
        take(i, 1);
        cr_expect(authorize(i, 0));
        connection_slot_end_request(taken[i]);
    }
    take(3, 1);
    cr_expect(is_ended(3));
    cr_expect_not(is_ended(0) || is_ended(1) || is_ended(2));
    take(4, 2);
    cr_expect_not(is_ended(4), "another address");
    release(1);
    take(5, 1);
    cr_expect_not(is_ended(5), "a closed one leaves its place");
}

Test(connection_slots, a_request_that_is_worked_on_keeps_its_connection)
{
    for (int i = 0; i < 3; i++)
        take(i, 1);
    cr_expect(connection_slot_begin_request(taken[0]));
    take(3, 1);
    cr_expect_not(is_ended(0));
    cr_expect(is_ended(1));
    connection_slot_end_request(taken[0]);
    take(4, 1);
    cr_expect(is_ended(2), "it is the newest now");
    take(5, 1);
    take(6, 1);
    cr_expect(is_ended(0) || is_ended(3));
}

Test(connection_slots, an_authorized_one_counts_against_its_token)
{
    for (int i = 0; i < 2; i++) {
        take(i, 1);
        cr_expect(authorize(i, 77));
    }
    for (int i = 2; i < 5; i++)
        take(i, 1);
    for (int i = 0; i < 5; i++)
        cr_expect_not(is_ended(i), "%d", i);
    cr_expect_not(authorize(4, 77), "one over");
    cr_expect(authorize(4, 78), "another token");
    cr_expect(authorize(0, 77), "the same token again");
    cr_expect(authorize(0, 79), "the connection changes its token");
    cr_expect(authorize(3, 77), "and leaves its place");
    cr_expect(connection_slot_quota(taken[0], true) != connection_slot_quota(taken[1], true));
    cr_expect(connection_slot_quota(taken[0], false) == connection_slot_quota(taken[1], false));
}

Test(connection_slots, the_oldest_provisional_one_of_all_ends_when_there_are_too_many)
{
    for (int i = 0; i < 6; i++)
        take(i, (uint64_t)i);
    cr_expect(authorize(0, 0));
    take(6, 6);
    cr_expect(is_ended(1));
    cr_expect_not(is_ended(0) || is_ended(2) || is_ended(6));
    cr_expect_not(connection_slot_is_reserved(taken[6]));
}

Test(connection_slots, one_beyond_all_that_are_authorized_is_reserved)
{
    for (int i = 0; i < 6; i++) {
        take(i, (uint64_t)i);
        cr_expect(authorize(i, 0));
    }
    take(6, 6);
    cr_expect_not(is_ended(6));
    cr_expect(connection_slot_is_reserved(taken[6]));
    cr_expect_not(connection_slot_is_reserved(taken[0]));
    release(2);
    cr_expect_not(connection_slot_is_reserved(taken[6]), "there is another place");
}
