// rnw-hdf5: reads and writes HDF5 structure in a process of its own.
//
//   rnw-hdf5 list PATH OFFSET LENGTH [MOST]    a table of everything in the file, on standard output
//   rnw-hdf5 read PATH OFFSET LENGTH [MOST]    the elements of the datasets named on standard input
//   rnw-hdf5 write PATH                        a file made from the description on standard input
//
// MOST is the size at which an output that is a file ends this program.
//
// libhdf5 has a history of memory errors on malformed files, so the main program never loads it. It starts
// this program, which has limits on memory and time, and checks everything that comes back.
//
// Exit status: 0 done; 65 bad file, with "problem<TAB>place" on standard error; 64 usage; 70 a fault; death by
// a signal where libhdf5 does not survive the file.

#include "common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t parse_number(const char *text) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') fault("a number was expected");
  return value;
}

static void limit(int resource, uint64_t value) {
  struct rlimit old;
  if (getrlimit(resource, &old) != 0) return;
  struct rlimit new = {value, value};
  if (old.rlim_max != RLIM_INFINITY && old.rlim_max < value) new.rlim_cur = new.rlim_max = old.rlim_max;
  setrlimit(resource, &new);
}

static void confine(uint64_t mapped) {
  limit(RLIMIT_AS, MAX_MEMORY + mapped);
  limit(RLIMIT_CPU, MAX_SECONDS);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 16);
  alarm(MAX_SECONDS);
  // No filter is ever loaded from outside.
  H5PLset_loading_state(0);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

int main(int argc, char **argv) {
  unsetenv("HDF5_PLUGIN_PATH");
  unsetenv("HDF5_DRIVER");
  if ((argc == 5 || argc == 6) && (strcmp(argv[1], "list") == 0 || strcmp(argv[1], "read") == 0)) {
    uint64_t offset = parse_number(argv[3]);
    uint64_t length = parse_number(argv[4]);
    confine(length);
    if (argc == 6) limit(RLIMIT_FSIZE, parse_number(argv[5]));
    return (strcmp(argv[1], "list") == 0 ? list_main : read_main)(argv[2], offset, length);
  }
  if (argc == 3 && strcmp(argv[1], "write") == 0) {
    confine(0);
    return write_main(argv[2]);
  }
  fputs("usage: rnw-hdf5 list|read PATH OFFSET LENGTH [MOST], rnw-hdf5 write PATH\n", stderr);
  return 64;
}
