/* Text of files and servers on its way to a terminal. */
#ifndef SESSIOND_SERVICE_CLI_TERMINAL_H
#define SESSIOND_SERVICE_CLI_TERMINAL_H

#include <stdio.h>

/* As fprintf, but characters that could control a terminal or hide what is printed are escaped:
 * control characters except the newline, bidirectional controls and invisible separators (\u{hex}),
 * bytes that are not UTF-8 (\xhh). The format may have newlines and nothing else of these. */
void terminal_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
