#!/bin/sh
# Begins every program of the image: what it writes is its user's alone, unless VINTAGE_UMASK says otherwise.
set -eu

umask "${VINTAGE_UMASK:-077}"
# Airflow gives these to its logs whatever the umask.
mask=$(umask)
AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS=$(printf '0o%o' "$((0777 & ~mask))")
AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS=$(printf '0o%o' "$((0666 & ~mask))")
export AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS
export AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS
exec "$@"
