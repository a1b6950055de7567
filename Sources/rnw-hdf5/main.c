// rnw-hdf5: reads and writes HDF5 structure in a process of its own.
//
//   rnw-hdf5 list PATH OFFSET LENGTH [MOST]    a table of everything in the file, on standard output
//   rnw-hdf5 read PATH OFFSET LENGTH [MOST]    the elements of the datasets named on standard input
//   rnw-hdf5 write PATH                        a file made from the description on standard input
//   rnw-hdf5 version                           the version of libhdf5, on standard output
//
// MOST is the most that this program may put out.
//
// libhdf5 has a history of memory errors on malformed files, so the main program never loads it. It starts
// this program, which has limits on memory and time, and checks everything that comes back.
//
// Exit status: 0 done; 65 bad file, with "problem<TAB>place" on standard error; 64 usage; 70 a fault; 74 what is made
// cannot be written; death by a signal where libhdf5 does not survive the file.

#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

static uint64_t parse_number(const char *text) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') fault("a number was expected");
  return value;
}

static void limit(int resource, uint64_t value, uint64_t grace) {
  struct rlimit old;
  if (getrlimit(resource, &old) != 0) return;
  struct rlimit new = {value, value + grace};
  if (old.rlim_max != RLIM_INFINITY && old.rlim_max < new.rlim_max) new.rlim_max = old.rlim_max;
  if (new.rlim_cur > new.rlim_max) new.rlim_cur = new.rlim_max;
  if (old.rlim_cur != RLIM_INFINITY && old.rlim_cur < new.rlim_cur) new.rlim_cur = old.rlim_cur;
  setrlimit(resource, &new);
}

// Limits for so many bytes that are read, and so many that are made of them.
static void confine(uint64_t read, uint64_t made) {
  uint64_t seconds = FREE_SECONDS + (read + made) / BYTES_PER_SECOND;
  limit(RLIMIT_AS, FREE_MEMORY + 3 * read + 2 * made, 0);
  // The first limit ends with a signal of its own, which says what happened.
  limit(RLIMIT_CPU, seconds, 1);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_NOFILE, 16, 0);
  // Threads of a program's library may block signals, which is inherited: then only the hard limit would end this.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGXCPU, SIG_DFL);
  signal(SIGALRM, SIG_DFL);
  // Somebody else may keep the processor or the disk busy.
  alarm((unsigned)(20 + 8 * seconds));
  // A full disk and a limit on files are answered where something is written.
  signal(SIGXFSZ, SIG_IGN);
#if defined(__linux__)
  // Nobody is left to read what this program makes.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  // No filter is ever loaded from outside.
  H5PLset_loading_state(0);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static uint64_t description_length(void) {
  struct stat status;
  return fstat(STDIN_FILENO, &status) == 0 && status.st_size > 0 ? (uint64_t)status.st_size : 0;
}

int main(int argc, char **argv) {
  unsetenv("HDF5_PLUGIN_PATH");
  unsetenv("HDF5_DRIVER");
  if ((argc == 5 || argc == 6) && (strcmp(argv[1], "list") == 0 || strcmp(argv[1], "read") == 0)) {
    uint64_t offset = parse_number(argv[3]);
    uint64_t length = parse_number(argv[4]);
    int lists = strcmp(argv[1], "list") == 0;
    if (argc == 6) output_limit = parse_number(argv[5]);
    confine(length, lists || argc != 6 ? 0 : output_limit);
    return (lists ? list_main : read_main)(argv[2], offset, length);
  }
  if (argc == 3 && strcmp(argv[1], "write") == 0) {
    confine(0, description_length());
    return write_main(argv[2]);
  }
  if (argc == 2 && strcmp(argv[1], "version") == 0) {
    unsigned major = 0, minor = 0, release = 0;
    if (H5get_libversion(&major, &minor, &release) < 0) return 70;
    return printf("%u.%u.%u\n", major, minor, release) < 0 ? 74 : 0;
  }
  fputs(
      "usage: rnw-hdf5 list|read PATH OFFSET LENGTH [MOST], rnw-hdf5 write PATH, rnw-hdf5 version\n",
      stderr);
  return 64;
}
