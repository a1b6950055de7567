import Foundation
import RNW
import Tensors

/// Reads paths from standard input and prints a line for each: what this reader finds in the file.
///
/// `Scripts/check-readers` compares that with what the readers in C, Python and JavaScript print.
@main
struct Digests {
  static func main() {
    while let path = readLine() {
      // Not `print`, which keeps lines back where nobody watches.
      FileHandle.standardOutput.write(Data((line(of: path) + "\n").utf8))
    }
  }

  /// `refused`, or every tensor with its type, its shape and the checksums of its elements, scales and values.
  private static func line(of path: String) -> String {
    guard let file = try? RNWFile(path: path) else { return "refused" }
    let tensors = file.tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return "opened" + tensors.map { "; \($0.name) \(digest(of: $0, in: file))" }.joined()
  }

  private static func digest(of info: TensorInfo, in file: RNWFile) -> String {
    guard let tensor = try? file.tensor(named: info.name) else { return "refused" }
    let bits = tensor.withUnsafeBytes { checksum($0) }
    let scales = (tensor.channelScales ?? []).withUnsafeBytes { checksum($0) }
    let isRounded = [.float16, .bfloat16].contains(info.dtype) || tensor.channelScales != nil
    // Of what is not a number only that it is none is the same everywhere.
    let nan = Float(bitPattern: 0x7FC0_0000)
    let values = isRounded ? tensor.floats().map { $0.isNaN ? nan : $0 } : []
    let shape = info.shape.dimensions.map(String.init).joined(separator: ",")
    let sums = [bits, scales, values.withUnsafeBytes { checksum($0) }].map(String.init)
    return "\(info.dtype.rawValue) [\(shape)] " + sums.joined(separator: " ")
  }

  /// The CRC-32 of zlib.
  private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
  }

  private static let table = (0..<256 as Range<UInt32>).map {
    (0..<8).reduce($0) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
}
