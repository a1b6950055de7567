import CZlib
import Tensors
import TestSupport
import Testing

@testable import RNW

@Suite("Deflate of literals")
struct LiteralCodingTests {
  @Test(
    "zlib and the own decoder give back what was encoded",
    arguments: [1, 2, 3, 50, 300, 5000, 70_001], [1, 2, 6, 40, 256])
  func roundTrip(count: Int, alphabet: Int) throws {
    let plain = Self.bytes(count, alphabet: alphabet)
    let stream = Self.encode(plain)
    #expect(Self.inflateByZlib(stream, count: count) == plain)
    #expect(Self.decode([stream, stream, stream, stream, stream], count: count) == plain)
  }

  @Test("Codes are within their limit, complete, and no longer in sum than they must be")
  func codes() {
    // Counts like Fibonacci's numbers would give codes of 19 bits without a limit.
    var counts = [1, 1]
    while counts.count < 20 { counts.append(counts[counts.count - 1] + counts[counts.count - 2]) }
    let limited = HuffmanCode(counts: counts, limit: 11)
    #expect(limited.lengths.max() == 11 && HuffmanCode.isComplete(limited.lengths, limit: 11))
    let free = HuffmanCode(counts: [8, 4, 2, 1, 1], limit: 11)
    #expect(free.lengths == [1, 2, 3, 4, 4])
  }

  @Test("A changed stream is refused or left to zlib, never read beyond its ends")
  func survivesDamage() {
    let plain = Self.bytes(3000, alphabet: 12)
    let good = Self.encode(plain)
    for bit in stride(from: 0, to: good.count * 8, by: Thorough.step(3)) {
      var stream = good
      stream[bit / 8] ^= 1 << UInt8(bit % 8)
      _ = Self.decode([stream], count: plain.count)
    }
    for length in stride(from: 1, to: good.count, by: Thorough.step(7)) {
      #expect(Self.decode([Array(good[..<length])], count: plain.count) == nil)
    }
    #expect(Self.decode([good], count: plain.count - 1) == nil)
    #expect(Self.decode([good], count: plain.count + 1) == nil)
  }

  @Test("The checksum is zlib's", arguments: [0, 1, 15, 63, 64, 65, 255, 256, 257, 1000, 4099])
  func checksum(count: Int) {
    let bytes = Self.bytes(count, alphabet: 256)
    let expected = crc32_z(7, bytes, count)
    #expect(bytes.withUnsafeBytes { Checksum.extend(7, by: $0) } == UInt32(expected))
  }

  private static func bytes(_ count: Int, alphabet: Int) -> [UInt8] {
    var generator = SplitMix64(seed: UInt64(count))
    // The smaller of two draws: uneven, as exponents are.
    return (0..<count).map { _ in
      UInt8(min(generator.next() % UInt64(alphabet), generator.next() % UInt64(alphabet)))
    }
  }

  private static func encode(_ plain: [UInt8]) -> [UInt8] {
    var histogram = [Int](repeating: 0, count: 256)
    for byte in plain { histogram[Int(byte)] += 1 }
    let encoder = LiteralEncoder(histogram: histogram)
    return [UInt8](unsafeUninitializedCapacity: encoder.byteCount + 8) { output, count in
      plain.withUnsafeBufferPointer { bytes in
        if let start = output.baseAddress { encoder.encode(bytes, to: start) }
      }
      count = encoder.byteCount
    }
  }

  /// What several equal streams give side by side; `nil` where they are refused or differ.
  private static func decode(_ streams: [[UInt8]], count: Int) -> [UInt8]? {
    var isWhole = true
    let joined = streams.flatMap { $0 }
    let size = streams.first?.count ?? 0
    let all = [UInt8](unsafeUninitializedCapacity: streams.count * count) { output, used in
      joined.withUnsafeBytes { input in
        let decoders = streams.indices.map { index in
          LiteralDecoder(
            UnsafeRawBufferPointer(rebasing: input[index * size..<(index + 1) * size]),
            output: UnsafeMutableBufferPointer(
              rebasing: output[index * count..<(index + 1) * count]))
        }
        let whole = decoders.compactMap { $0 }
        isWhole =
          whole.count == streams.count && LiteralDecoder.decode(whole).allSatisfy { $0 }
      }
      used = isWhole ? streams.count * count : 0
    }
    guard isWhole else { return nil }
    let first = Array(all[..<count])
    return streams.indices.allSatisfy { Array(all[$0 * count..<($0 + 1) * count]) == first }
      ? first : nil
  }

  private static func inflateByZlib(_ stream: [UInt8], count: Int) -> [UInt8]? {
    var state = z_stream()
    inflateInit2_(&state, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { inflateEnd(&state) }
    var input = stream
    return [UInt8](unsafeUninitializedCapacity: count) { output, used in
      input.withUnsafeMutableBufferPointer { bytes in
        state.next_in = bytes.baseAddress
        state.avail_in = UInt32(bytes.count)
        state.next_out = output.baseAddress
        state.avail_out = UInt32(count)
        used = inflate(&state, Z_FINISH) == Z_STREAM_END ? count - Int(state.avail_out) : 0
      }
    }
  }
}
