package import Tensors
import Threads

/// The lossless codec `planes`: the bytes of floats sorted by what they hold, so that the
/// exponents, which repeat, are compressed and the mantissas, which do not, are left alone.
///
/// The layout is given bit by bit in `docs/rnw-format.md`. Every block of elements is independent
/// of the others.
package enum Planes {
  /// The elements of a block: large enough that the tables of deflate weigh nothing, small enough
  /// that all that is made of a block stays in the second-level cache.
  static let blockElements = 1 << 17

  /// How many blocks are encoded and decoded together: four streams of bits are decoded in little
  /// more time than one.
  private static let groupBlocks = 4

  /// An encoded tensor.
  package struct Stream: Sendable {
    /// The parts that make up the stream: its table, and a part for every block.
    package let parts: [[UInt8]]
    /// The CRC-32 of the stream.
    package let storedChecksum: UInt32
    /// The CRC-32 of the elements.
    package let checksum: UInt32

    /// The number of bytes.
    package var byteCount: Int { parts.reduce(0) { $0 + $1.count } }
  }

  /// A decoded tensor.
  package struct Decoded: Sendable {
    /// The elements.
    package let tensor: TensorData
    /// The CRC-32 of the stream.
    package let storedChecksum: UInt32
    /// The CRC-32 of the elements.
    package let checksum: UInt32
  }

  /// Whether a type gains from the codec.
  package static func canEncode(_ dtype: DType) -> Bool {
    dtype == .float32 || dtype == .float16 || dtype == .bfloat16 || dtype == .int8
  }

  /// Encodes the little-endian elements of a tensor.
  ///
  /// The same elements give the same bytes, whatever the machine and the number of threads.
  package static func encode(_ tensor: TensorData, threads: Int) throws -> Stream {
    let width = tensor.dtype.byteWidth
    let count = tensor.shape.elementCount
    let groups = Array(stride(from: 0, to: count, by: groupBlocks * blockElements))
    let blocks = try tensor.withUnsafeBytes { bytes in
      let input = SharedBytes(bytes)
      return try concurrentMap(groups, threads: threads) { first in
        let end = min(first + groupBlocks * blockElements, count)
        let parts = stride(from: first, to: end, by: blockElements).map { start in
          UnsafeRawBufferPointer(
            rebasing: input.bytes[start * width..<min(start + blockElements, end) * width])
        }
        return PlaneBlock.encode(parts, dtype: tensor.dtype)
      }
    }.flatMap { $0 }
    let table = PlaneTable.bytes(perBlock: blockElements, planeSizes: blocks.map(\.planeSizes))
    var stored = table.withUnsafeBytes { Checksum.crc32(of: $0) }
    var checksum: UInt32 = 0
    for block in blocks {
      stored = Checksum.combine(stored, block.storedChecksum, secondCount: block.bytes.count)
      checksum = Checksum.combine(checksum, block.checksum, secondCount: block.elementBytes)
    }
    return Stream(
      parts: [table] + blocks.map(\.bytes), storedChecksum: stored, checksum: checksum)
  }

  /// Decodes a stream into the little-endian elements of a tensor; `nil` where it is damaged.
  package static func decode(
    _ stream: UnsafeRawBufferPointer, dtype: DType, shape: Shape, threads: Int
  ) throws -> Decoded? {
    guard let table = PlaneTable(stream, dtype: dtype, shape: shape) else { return nil }
    let input = SharedBytes(stream)
    var stored = Checksum.crc32(of: UnsafeRawBufferPointer(rebasing: stream[..<table.byteCount]))
    var checksum: UInt32 = 0
    var isWhole = true
    let groups = stride(from: 0, to: table.blocks.count, by: groupBlocks).map {
      Array(table.blocks[$0..<min($0 + groupBlocks, table.blocks.count)])
    }
    let tensor = try TensorData(dtype: dtype, shape: shape) { bytes in
      let output = SharedMutableBytes(bytes)
      let results = try concurrentMap(groups, threads: threads) { blocks in
        PlaneBlock.decode(blocks, of: input.bytes, dtype: dtype, to: output.bytes)
      }
      for result in results.joined() {
        isWhole = isWhole && result.isWhole
        stored = Checksum.combine(stored, result.storedChecksum, secondCount: result.storedBytes)
        checksum = Checksum.combine(checksum, result.checksum, secondCount: result.elementBytes)
      }
    }
    return isWhole
      ? Decoded(tensor: tensor, storedChecksum: stored, checksum: checksum) : nil
  }
}

/// Bytes that several threads read while a closure holds them.
private struct SharedBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }
}

/// Bytes of which several threads write different parts while a closure holds them.
private struct SharedMutableBytes: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ bytes: UnsafeMutableRawBufferPointer) {
    self.bytes = bytes
  }
}
