#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A block of floats aligned to a cache line, on large pages where it is large; freed with its last
/// user.
package final class AlignedFloats: @unchecked Sendable {
  /// The first float.
  package let pointer: UnsafeMutablePointer<Float>

  /// The number of floats.
  package let count: Int

  /// The size of a large page of memory.
  private static let hugePage = 2 << 20

  /// Allocates floats without setting them.
  package init(count: Int) {
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.size
    let isLarge = bytes >= Self.hugePage
    let alignment = isLarge ? Self.hugePage : 64
    let size = (bytes + alignment - 1) / alignment * alignment
    let raw = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: alignment)
    #if os(Linux)
      // A value of many channels touches a page for every pixel: few large pages are found faster.
      if isLarge { madvise(raw, size, MADV_HUGEPAGE) }
    #endif
    pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  /// Copies values.
  package convenience init(_ values: [Float]) {
    self.init(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { pointer.update(from: start, count: source.count) }
    }
  }

  /// Zeros.
  package convenience init(zeros count: Int) {
    self.init(count: count)
    pointer.update(repeating: 0, count: count)
  }

  deinit {
    UnsafeMutableRawPointer(pointer).deallocate()
  }
}
