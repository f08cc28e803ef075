/* Warnings about files whose permissions let every user of the machine change what the service
 * trusts. */
#ifndef SESSIOND_SERVICE_APP_FILE_PERMISSIONS_H
#define SESSIOND_SERVICE_APP_FILE_PERMISSIONS_H

#include "service/app/config.h"
#include "service/app/log.h"

/* Logs `file_exposed` for a --token-file, or a folder of --db, that every user may write. */
void file_permissions_warn(const struct config *config, struct log *log);

#endif
