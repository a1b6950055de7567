// What the three jobs of rnw-hdf5 share: limits, failure, and the byte stream to the parent.
#pragma once

#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>

// Limits. The parent checks again what it is told; these keep a hostile file from costing much before that.
enum {
  MAX_DEPTH = 16,              // groups within groups; Keras nests 4 deep
  MAX_OBJECTS = 200000,        // groups, datasets and attributes together
  MAX_NAME_BYTES = 1024,       // of one link
  MAX_STRINGS = 1000000,       // in one attribute
  MAX_RANK = 32,
  MAX_FILTERS = 8,
};
#define MAX_TEXT_BYTES ((uint64_t)256 << 20)   // of all attributes together
#define MAX_DATA_BYTES ((uint64_t)8 << 30)     // of one dataset
#define MAX_CHUNK_ELEMENTS ((uint64_t)256 << 20)  // 1 GB of float32
// Memory of this process beyond the mapped file and what it gives, and seconds of processor time: what any file may
// take, and what more a larger one may.
#define FREE_MEMORY ((uint64_t)192 << 20)
#define FREE_SECONDS 2
#define BYTES_PER_SECOND ((uint64_t)32 << 20)
#define MAX_RATIO 1100                         // deflate reaches 1032

// Element types, as single letters in the stream; an empty note means that the data can be read.
typedef struct {
  char kind;  // 'f' IEEE float, 'b' bfloat16, 'i' signed, 'u' unsigned, 'o' opaque, '?' other
  uint8_t size;
  int little_endian;
} element_type;

// Ends the process: one line "problem\tplace" for the parent, status 65.
_Noreturn void fail(const char *place, const char *format, ...);

// Ends the process: the tool itself was misused or the system failed, status 70.
_Noreturn void fault(const char *what);

// Ends the process: what it makes cannot be written, for the reason that errno has, status 74.
_Noreturn void fail_output(const char *what, int reason);

// Opens LENGTH bytes at OFFSET of a file as HDF5, without copying them.
hid_t open_image(const char *path, uint64_t offset, uint64_t length);

element_type classify(hid_t type);

// The type in which a dataset is handed out: the file's own, little-endian. The caller closes it.
hid_t little_endian_type(hid_t type, element_type element);

void put_bytes(const void *bytes, size_t count);
void put_u8(uint8_t value);
void put_u32(uint32_t value);
void put_u64(uint64_t value);
void put_text(const char *text, size_t count);
void flush_output(void);

// The most that may be put; what a file would give beyond that is its fault, and not that of a full disk.
extern uint64_t output_limit;

// Reads exactly so many bytes of standard input; 0 at its end, 1 otherwise.
int get_bytes(void *bytes, size_t count);
uint32_t get_u32(void);
uint64_t get_u64(void);
// A text of at most `limit` bytes; the caller frees it.
char *get_text(size_t limit);

int list_main(const char *path, uint64_t offset, uint64_t length);
int read_main(const char *path, uint64_t offset, uint64_t length);
int write_main(const char *path);
