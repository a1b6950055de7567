import CZlib
import Tensors

/// The lossless codec `planes`: the bytes of floats sorted by what they hold, so that the
/// exponents, which repeat, are compressed and the mantissas, which do not, are left alone.
///
/// The layout is given bit by bit in `docs/rnw-format.md`. Every block of elements is independent
/// of the others.
enum Planes {
  /// The elements of a block: large enough that the tables of deflate weigh nothing.
  static let blockElements = 1 << 17

  /// The size of the part of a stream before its table.
  private static let prefixBytes = 8

  /// Encodes the little-endian elements of a tensor.
  ///
  /// The same elements give the same bytes, whatever the machine and the number of threads.
  static func encode(_ tensor: TensorData, threads: Int) throws -> [UInt8] {
    let width = tensor.dtype.byteWidth
    let count = tensor.shape.elementCount
    let starts = Array(stride(from: 0, to: count, by: blockElements))
    let blocks = try concurrentMap(starts, threads: threads) { start in
      tensor.withUnsafeBytes { all in
        let block = start..<min(start + blockElements, count)
        let bytes = UnsafeRawBufferPointer(
          rebasing: all[block.lowerBound * width..<block.upperBound * width])
        return split(bytes, dtype: tensor.dtype).map(packed)
      }
    }
    var stream: [UInt8] = []
    stream.append(littleEndian: UInt32(blockElements))
    stream.append(littleEndian: UInt32(starts.count))
    for plane in blocks.joined() { stream.append(littleEndian: UInt32(plane.count)) }
    for plane in blocks.joined() { stream.append(contentsOf: plane) }
    return stream
  }

  /// Decodes a stream into the little-endian elements of a tensor; `nil` where it is damaged.
  static func decode(
    _ stream: UnsafeRawBufferPointer, dtype: DType, shape: Shape, threads: Int
  ) throws -> TensorData? {
    guard let table = BlockTable(stream, dtype: dtype, shape: shape) else { return nil }
    let width = dtype.byteWidth
    let input = SharedBytes(stream)
    let pieces = try concurrentMap(table.blocks, threads: threads) { block -> [UInt8]? in
      var planes: [[UInt8]] = []
      for plane in block.planes {
        let bytes = UnsafeRawBufferPointer(rebasing: input.bytes[plane])
        guard let unpacked = unpacked(bytes, count: block.count) else { return nil }
        planes.append(unpacked)
      }
      return merge(planes, count: block.count, dtype: dtype)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(shape.elementCount * width)
    for piece in pieces {
      guard let piece else { return nil }
      bytes.append(contentsOf: piece)
    }
    return TensorData(dtype: dtype, shape: shape, bytes: bytes)
  }

  /// Whether a type gains from the codec.
  static func canEncode(_ dtype: DType) -> Bool {
    dtype == .float32 || dtype == .float16 || dtype == .bfloat16 || dtype == .int8
  }

  // MARK: - Blocks

  /// Where the planes of each block lie in a stream.
  private struct BlockTable {
    struct Block: Sendable {
      let count: Int
      let planes: [Range<Int>]
    }

    var blocks: [Block] = []

    /// `nil` where the table does not describe exactly this tensor and this stream.
    init?(_ stream: UnsafeRawBufferPointer, dtype: DType, shape: Shape) {
      let width = dtype.byteWidth
      guard stream.count >= prefixBytes else { return nil }
      let perBlock = Int(stream.littleEndian(at: 0))
      let count = Int(stream.littleEndian(at: 4))
      // A power of two, so that no single wrong bit gives another number that would do.
      guard perBlock.nonzeroBitCount == 1, perBlock <= 1 << 24 else { return nil }
      let elements = shape.elementCount
      guard count == elements / perBlock + (elements % perBlock == 0 ? 0 : 1),
        count <= (stream.count - prefixBytes) / (4 * width)
      else { return nil }
      var offset = prefixBytes + 4 * width * count
      for index in 0..<count {
        let size = min(perBlock, elements - index * perBlock)
        var planes: [Range<Int>] = []
        for plane in 0..<width {
          let packed = Int(stream.littleEndian(at: prefixBytes + 4 * (index * width + plane)))
          guard packed <= size, packed <= stream.count - offset else { return nil }
          planes.append(offset..<offset + packed)
          offset += packed
        }
        blocks.append(Block(count: size, planes: planes))
      }
      guard offset == stream.count else { return nil }
    }
  }

  /// A plane as it is stored: nothing where it is all zeros, deflated where that is smaller, else
  /// as it is.
  private static func packed(_ plane: [UInt8]) -> [UInt8] {
    if plane.allSatisfy({ $0 == 0 }) { return [] }
    guard mayCompress(plane), let deflated = PlaneDeflate.deflate(plane),
      deflated.count < plane.count
    else { return plane }
    return deflated
  }

  private static func unpacked(_ bytes: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
    switch bytes.count {
    case 0: [UInt8](repeating: 0, count: count)
    case count: Array(bytes)
    default: PlaneDeflate.inflate(bytes, count: count)
    }
  }

  /// Whether a sample of the plane is uneven enough that Huffman codes could save anything.
  ///
  /// A mantissa plane is noise; to find that out by deflating it would take most of the time.
  private static func mayCompress(_ plane: [UInt8]) -> Bool {
    let sampleCount = min(plane.count, 4096)
    var histogram = [Int](repeating: 0, count: 256)
    let step = max(plane.count / sampleCount, 1)
    for index in 0..<sampleCount { histogram[Int(plane[index * step])] += 1 }
    // Σ n² is smallest for even counts; for noise it exceeds the even value by about 256 / sample
    // size.
    let squares = histogram.reduce(0) { $0 + $1 * $1 }
    let even = sampleCount * sampleCount / 256
    return sampleCount < 1024 || squares > even + even / 8 + sampleCount / 2 * 3
  }

  // MARK: - Bits

  /// The planes of a block's elements: first the byte with the exponent, last the lowest mantissa
  /// bits.
  private static func split(_ bytes: UnsafeRawBufferPointer, dtype: DType) -> [[UInt8]] {
    let width = dtype.byteWidth
    let count = bytes.count / width
    return (0..<width).map { plane in
      [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        let shift = UInt32(8 * (width - 1 - plane))
        switch dtype {
        case .float32:
          for index in 0..<count {
            let bits = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
            buffer[index] = UInt8(truncatingIfNeeded: exponentFirst(bits.littleEndian) >> shift)
          }
        case .bfloat16:
          for index in 0..<count {
            let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self).littleEndian
            let wide = exponentFirst(UInt32(bits) << 16)
            buffer[index] = UInt8(truncatingIfNeeded: wide >> (shift + 16))
          }
        default:
          for index in 0..<count {
            buffer[index] = bytes[index * width + width - 1 - plane]
          }
        }
        initialized = count
      }
    }
  }

  private static func merge(_ planes: [[UInt8]], count: Int, dtype: DType) -> [UInt8] {
    let width = dtype.byteWidth
    return [UInt8](unsafeUninitializedCapacity: count * width) { buffer, initialized in
      let output = UnsafeMutableRawBufferPointer(buffer)
      switch dtype {
      case .float32:
        planes[0].withUnsafeBufferPointer { first in
          planes[1].withUnsafeBufferPointer { second in
            planes[2].withUnsafeBufferPointer { third in
              planes[3].withUnsafeBufferPointer { fourth in
                for index in 0..<count {
                  let high = UInt32(first[index]) << 24 | UInt32(second[index]) << 16
                  let bits = high | UInt32(third[index]) << 8 | UInt32(fourth[index])
                  output.storeBytes(
                    of: signFirst(bits).littleEndian, toByteOffset: 4 * index, as: UInt32.self)
                }
              }
            }
          }
        }
      case .bfloat16:
        for index in 0..<count {
          let bits = signFirst(UInt32(planes[0][index]) << 24 | UInt32(planes[1][index]) << 16)
          output.storeBytes(
            of: UInt16(bits >> 16).littleEndian, toByteOffset: 2 * index, as: UInt16.self)
        }
      default:
        for index in 0..<count {
          for plane in 0..<width {
            buffer[index * width + width - 1 - plane] = planes[plane][index]
          }
        }
      }
      initialized = count * width
    }
  }

  /// Sign, exponent, mantissa as exponent, sign, mantissa: the exponent fills the highest byte.
  private static func exponentFirst(_ bits: UInt32) -> UInt32 {
    (bits & 0x7F80_0000) << 1 | (bits & 0x8000_0000) >> 8 | bits & 0x007F_FFFF
  }

  /// The way back.
  private static func signFirst(_ bits: UInt32) -> UInt32 {
    (bits & 0xFF00_0000) >> 1 | (bits & 0x0080_0000) << 8 | bits & 0x007F_FFFF
  }
}

/// Bytes that several threads read while a closure holds them.
private struct SharedBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }
}

extension UnsafeRawBufferPointer {
  /// A little-endian 32-bit number; the caller has checked the size.
  fileprivate func littleEndian(at offset: Int) -> UInt32 {
    loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: UInt32) {
    for shift in [0, 8, 16, 24] as [UInt32] { append(UInt8(truncatingIfNeeded: value >> shift)) }
  }
}
