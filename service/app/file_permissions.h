/* Warnings about world-writable files that the service trusts. */
#ifndef SESSIOND_SERVICE_APP_FILE_PERMISSIONS_H
#define SESSIOND_SERVICE_APP_FILE_PERMISSIONS_H

#include "service/app/config.h"
#include "service/app/log.h"

/* Logs `file_exposed` when every user may write the --token-file or the folder of --db. */
void file_permissions_warn(const struct config *config, struct log *log);

#endif
