#include "CFiles.h"

#include <errno.h>
#include <stdio.h>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

int rnw_rename_new(const char *from, const char *to) {
#if defined(__linux__) && defined(SYS_renameat2)
  // The flag is RENAME_NOREPLACE; the call itself, because not every C library has a function for it.
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1u);
#elif defined(__APPLE__)
  return renamex_np(from, to, RENAME_EXCL);
#else
  (void)from, (void)to;
  errno = ENOSYS;
  return -1;
#endif
}
