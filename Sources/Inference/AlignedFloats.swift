#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A block of floats aligned to a cache line; freed with its last user.
final class AlignedFloats: @unchecked Sendable {
  /// The first float.
  let pointer: UnsafeMutablePointer<Float>

  /// The number of floats.
  let count: Int

  /// Allocates floats without setting them.
  init(count: Int) {
    self.count = count
    let bytes = (max(count, 1) * MemoryLayout<Float>.size + 63) / 64 * 64
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  /// Copies values.
  convenience init(_ values: [Float]) {
    self.init(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { pointer.update(from: start, count: source.count) }
    }
  }

  /// Zeros.
  convenience init(zeros count: Int) {
    self.init(count: count)
    pointer.update(repeating: 0, count: count)
  }

  deinit {
    UnsafeMutableRawPointer(pointer).deallocate()
  }
}
