import Plain
import Safetensors

/// Reads `rnw.tensors`.
///
/// Keys that a later version may have are passed over.
enum TensorRecordParser {
  /// The records by the names of their tensors.
  ///
  /// - Throws: `FormatFault` where the text is of another form.
  static func records(_ text: String) throws(FormatFault) -> [String: TensorRecord] {
    var result: [String: TensorRecord] = [:]
    var json = JSONReader(Array(text.utf8), subject: MetadataKey.tensors)
    try json.onlyObject { name, json throws(FormatFault) in
      let record = try Self.record(name, &json)
      guard result.updateValue(record, forKey: name) == nil else {
        throw json.fault("has two entries named \(name.shortened)")
      }
    }
    return result
  }

  private static func record(
    _ name: String, _ json: inout JSONReader
  ) throws(FormatFault) -> TensorRecord {
    var dtype: String?
    var shape: [Int]?
    var encoding: TensorRecord.Encoding?
    var checksum: UInt32?
    var storedChecksum: UInt32?
    var scales: String?
    var sameAs: String?
    try json.object { key, json throws(FormatFault) in
      switch key {
      case "dtype": dtype = try json.text()
      case "shape": shape = try json.wholeNumbers()
      case "encoding": encoding = try Self.encoding(&json)
      case "crc32": checksum = try Self.checksum(&json)
      case "storedCRC32": storedChecksum = try Self.checksum(&json)
      case "scales": scales = try json.text()
      case "sameAs": sameAs = try json.text()
      default: _ = try json.value()
      }
    }
    guard let dtype, let shape, let encoding, let checksum else {
      throw json.fault("lacks dtype, shape, encoding or crc32 in the entry \(name.shortened)")
    }
    return TensorRecord(
      dtype: dtype, shape: shape, encoding: encoding, crc32: checksum,
      storedCRC32: storedChecksum, scales: scales, sameAs: sameAs)
  }

  private static func encoding(
    _ json: inout JSONReader
  ) throws(FormatFault) -> TensorRecord.Encoding {
    let name = try json.text()
    guard let encoding = TensorRecord.Encoding(rawValue: name) else {
      throw json.fault("has an unknown encoding \(name.shortened)")
    }
    return encoding
  }

  private static func checksum(_ json: inout JSONReader) throws(FormatFault) -> UInt32 {
    guard let checksum = UInt32(exactly: try json.wholeNumber()) else {
      throw json.fault("has a number that is too large")
    }
    return checksum
  }
}
