#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fail(const char *place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "\t%s", place);
  fflush(stderr);
  _exit(65);
}

void fault(const char *what) {
  fprintf(stderr, "%s\t", what);
  fflush(stderr);
  _exit(70);
}

void fail_output(const char *what, int reason) {
  fprintf(stderr, "%s: %s\t", what, strerror(reason));
  fflush(stderr);
  _exit(74);
}

// MARK: - Opening

// The image is the mapped file itself: the callbacks give out its address and copy nothing.
static void *image_address;

static void *image_malloc(size_t size, H5FD_file_image_op_t operation, void *context) {
  (void)size, (void)operation, (void)context;
  return image_address;
}

static void *image_copy(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *context) {
  (void)from, (void)size, (void)operation, (void)context;
  return to;
}

static void *image_realloc(void *image, size_t size, H5FD_file_image_op_t operation, void *context) {
  (void)image, (void)size, (void)operation, (void)context;
  return NULL;
}

static herr_t image_free(void *image, H5FD_file_image_op_t operation, void *context) {
  (void)image, (void)operation, (void)context;
  return 0;
}

static void *context_copy(void *context) { return context; }
static herr_t context_free(void *context) { (void)context; return 0; }

hid_t open_image(const char *path, uint64_t offset, uint64_t length) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) fail("", "cannot be opened");
  uint64_t size = (uint64_t)status.st_size;
  if (length == 0 || offset > size || length > size - offset) fail("", "changed while it was read");
  long page = sysconf(_SC_PAGESIZE);
  uint64_t lead = offset % (uint64_t)page;
  char *base = mmap(NULL, length + lead, PROT_READ, MAP_PRIVATE, descriptor, (off_t)(offset - lead));
  if (base == MAP_FAILED) fault("the file cannot be mapped");
  close(descriptor);
  image_address = base + lead;

  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5FD_file_image_callbacks_t callbacks = {
      image_malloc, image_copy, image_realloc, image_free, context_copy, context_free, &image_address};
  if (access < 0 || H5Pset_fapl_core(access, 1 << 16, 0) < 0 ||
      H5Pset_file_image_callbacks(access, &callbacks) < 0 ||
      H5Pset_file_image(access, image_address, length) < 0)
    fault("the HDF5 library cannot be set up");
  hid_t file = H5Fopen("image", H5F_ACC_RDONLY, access);
  if (file < 0) fail("", "is not a whole HDF5 file");
  return file;
}

// MARK: - Types

element_type classify(hid_t type) {
  element_type element = {'?', 0, 1};
  size_t size = H5Tget_size(type);
  if (size == 0 || size > 8) return element;
  element.size = (uint8_t)size;
  H5T_class_t class = H5Tget_class(type);
  if (class == H5T_OPAQUE) {
    element.kind = 'o';
    return element;
  }
  if (class != H5T_FLOAT && class != H5T_INTEGER) return element;
  H5T_order_t order = H5Tget_order(type);
  if (size > 1 && order != H5T_ORDER_LE && order != H5T_ORDER_BE) return element;
  element.little_endian = size == 1 || order == H5T_ORDER_LE;
  if (H5Tget_precision(type) != size * 8 || H5Tget_offset(type) != 0) return element;
  if (class == H5T_INTEGER) {
    element.kind = H5Tget_sign(type) == H5T_SGN_2 ? 'i' : 'u';
    return element;
  }
  size_t sign, exponent_at, exponent, mantissa_at, mantissa;
  if (H5Tget_fields(type, &sign, &exponent_at, &exponent, &mantissa_at, &mantissa) < 0) return element;
  size_t bias = H5Tget_ebias(type);
  if (sign != size * 8 - 1 || mantissa_at != 0 || exponent_at != mantissa) return element;
  if (bias != ((size_t)1 << (exponent - 1)) - 1) return element;
  if ((size == 2 && exponent == 5) || (size == 4 && exponent == 8) || (size == 8 && exponent == 11))
    element.kind = 'f';
  if (size == 2 && exponent == 8) element.kind = 'b';
  return element;
}

hid_t little_endian_type(hid_t type, element_type element) {
  hid_t copy = H5Tcopy(type);
  if (copy < 0) fault("a type cannot be copied");
  if (element.kind != 'o' && element.size > 1 && H5Tset_order(copy, H5T_ORDER_LE) < 0)
    fault("a type cannot be changed");
  return copy;
}

// MARK: - Streams

uint64_t output_limit = UINT64_MAX;
static uint64_t output_total;
static unsigned char output[1 << 16];
static size_t output_count;

static void write_all(const unsigned char *bytes, size_t count) {
  if (count > output_limit - output_total) fail("", "has more in it than is read");
  output_total += count;
  while (count > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_output("a temporary file is not written", written < 0 ? errno : ENOSPC);
    bytes += written;
    count -= (size_t)written;
  }
}

void flush_output(void) {
  write_all(output, output_count);
  output_count = 0;
}

void put_bytes(const void *bytes, size_t count) {
  if (count > sizeof output - output_count) flush_output();
  if (count > sizeof output) {
    write_all(bytes, count);
    return;
  }
  memcpy(output + output_count, bytes, count);
  output_count += count;
}

void put_u8(uint8_t value) { put_bytes(&value, 1); }

void put_u32(uint32_t value) {
  unsigned char bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  put_bytes(bytes, 4);
}

void put_u64(uint64_t value) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  put_bytes(bytes, 8);
}

void put_text(const char *text, size_t count) {
  put_u32((uint32_t)count);
  put_bytes(text, count);
}

int get_bytes(void *bytes, size_t count) {
  return fread(bytes, 1, count, stdin) == count;
}

uint32_t get_u32(void) {
  unsigned char bytes[4];
  if (!get_bytes(bytes, 4)) fault("the description ended early");
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t get_u64(void) {
  uint64_t low = get_u32();
  return low | (uint64_t)get_u32() << 32;
}

char *get_text(size_t limit) {
  uint32_t count = get_u32();
  if (count > limit) fault("a text of the description is too long");
  char *text = malloc((size_t)count + 1);
  if (text == NULL || !get_bytes(text, count)) fault("the description ended early");
  text[count] = '\0';
  return text;
}
