/* Output of untrusted text from files and servers to a terminal. */
#ifndef SESSIOND_SERVICE_CLI_TERMINAL_H
#define SESSIOND_SERVICE_CLI_TERMINAL_H

#include <stdio.h>

/* As fprintf(), but escapes characters that could control a terminal or hide text: control
 * characters except newline, bidirectional controls and invisible separators (\u{hex}), and bytes
 * that are not UTF-8 (\xhh). The format itself may contain newlines but no other such
 * characters. */
void terminal_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
