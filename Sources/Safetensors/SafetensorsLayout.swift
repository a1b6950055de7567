package import Tensors

/// The header of a file that is to be written, and where each tensor goes.
///
/// Tensors whose size is a multiple of 64 come first, in their given order, then the others: so all
/// of the first begin at a multiple of 64 bytes, though the format allows no holes.
package struct SafetensorsLayout: Sendable {
  /// The alignment of the data.
  package static let alignment = 64

  /// The tensors in the order of their data, with their offsets from the start of the data.
  package let entries: [(info: TensorInfo, offset: Int)]

  /// The number of bytes of all tensors.
  package let dataCount: Int

  /// Lays out tensors.
  ///
  /// - Precondition: names are distinct, and the sizes together are representable.
  package init(_ tensors: [TensorInfo]) {
    let size = { (info: TensorInfo) in info.shape.elementCount * info.dtype.byteWidth }
    let isEven = { (info: TensorInfo) in size(info).isMultiple(of: Self.alignment) }
    var offset = 0
    var entries: [(info: TensorInfo, offset: Int)] = []
    for info in tensors.filter(isEven) + tensors.filter({ !isEven($0) }) {
      entries.append((info, offset))
      offset += size(info)
    }
    self.entries = entries
    dataCount = offset
  }

  /// The bytes before the data: the length, the JSON, and spaces up to a multiple of 64.
  ///
  /// - Parameter reserving: at least so many bytes in all, for metadata that is known only later.
  package func header(metadata: [String: String], reserving: Int = 0) -> [UInt8] {
    var json = "{\"__metadata__\":{"
    json += metadata.sorted { $0.key < $1.key }.map { "\($0.key.quoted):\($0.value.quoted)" }
      .joined(separator: ",")
    json += "}"
    for (info, offset) in entries {
      let end = offset + info.shape.elementCount * info.dtype.byteWidth
      let shape = info.shape.dimensions.map(String.init).joined(separator: ",")
      json += ",\(info.name.quoted):{\"dtype\":\"\(info.dtype.rawValue)\",\"shape\":[\(shape)],"
      json += "\"data_offsets\":[\(offset),\(end)]}"
    }
    json += "}"
    let needed = max(8 + json.utf8.count, reserving)
    let total = (needed + Self.alignment - 1) / Self.alignment * Self.alignment
    var bytes: [UInt8] = []
    bytes.reserveCapacity(total)
    let length = UInt64(total - 8)
    for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(8 * index))) }
    bytes += json.utf8
    bytes += repeatElement(0x20, count: total - bytes.count)
    return bytes
  }
}

extension String {
  /// The text as a JSON string.
  fileprivate var quoted: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
