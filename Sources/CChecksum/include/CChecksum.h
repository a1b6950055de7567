// CRC-32 by carry-less multiplication, which has no expression in Swift.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Whether the processor can do it.
int rnw_crc32_can_fold(void);

// Continues a CRC-32 (zlib, gzip, PNG) over bytes whose number is a multiple of 16 and at least 64.
// Only where rnw_crc32_can_fold() is not 0.
uint32_t rnw_crc32_fold(uint32_t crc, const void *bytes, size_t count);
