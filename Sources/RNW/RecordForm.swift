import Files
import Plain
import Safetensors

/// The forms of the JSON records of a file, as far as every reader demands them.
enum RecordForm {
  /// The records that hold JSON, and whether every file has them; that of the tensors is read by
  /// itself.
  private static let keys = [
    (MetadataKey.configuration, isRequired: true), (MetadataKey.preprocessing, isRequired: true),
    (MetadataKey.source, isRequired: true), (MetadataKey.certificate, isRequired: false),
  ]

  /// Reads the records of a file: each is an object of strict JSON.
  ///
  /// - Throws: ``FormatFault`` for one that is missing or none.
  static func records(
    of metadata: [String: String]
  ) throws(FormatFault) -> [String: RecordValue] {
    var records: [String: RecordValue] = [:]
    for (key, isRequired) in keys {
      guard let text = metadata[key] else {
        if isRequired { throw FormatFault(problem: "lacks its record \(key)", place: key) }
        continue
      }
      var json = JSONReader(Array(text.utf8), subject: key)
      var pairs: [(key: String, value: RecordValue)] = []
      try json.onlyObject { name, json throws(FormatFault) in
        pairs.append((name, try json.value()))
      }
      records[key] = .object(pairs)
    }
    return records
  }

  /// Checks that the records say what the format demands of them; the network is checked where it is
  /// known.
  ///
  /// - Throws: `InputError` for the first that does not.
  static func check(_ file: RNWFile) throws(InputError) {
    _ = try file.source(as: Source.self)
    let preprocessing = try file.preprocessing(as: Preprocessing.self)
    guard preprocessing.isPossible else {
      throw file.fault("describes impossible preprocessing", MetadataKey.preprocessing)
    }
    if let certificate = try file.certificate(as: Certificate.self), !certificate.isPossible {
      throw file.fault("has a certificate that certifies nothing", MetadataKey.certificate)
    }
  }

  /// `rnw.source`.
  private struct Source: Decodable {
    let file, sha256, container, family, tool: String
    let used, waived, renamedLayers: [String: String]
    let through: [Step]?

    struct Step: Decodable {
      let file, sha256, tool: String
    }
  }

  /// `rnw.preprocessing`.
  private struct Preprocessing: Decodable {
    let inputSize: Int
    let preprocessing: Steps

    struct Steps: Decodable {
      let channelOrder: String
      let inputRange: Double
      let mean, deviation: [Double]
      let resize: Resize?
    }

    struct Resize: Decodable {
      let rule, filter: String
      let size, crop: Int
    }

    private static let maximumSize = 4096

    var isPossible: Bool {
      let numbers = preprocessing.mean + preprocessing.deviation + [preprocessing.inputRange]
      return (1...Self.maximumSize).contains(inputSize)
        && ["RGB", "BGR"].contains(preprocessing.channelOrder)
        && preprocessing.mean.count == 3 && preprocessing.deviation.count == 3
        && numbers.allSatisfy(\.isFinite) && preprocessing.deviation.allSatisfy { $0 != 0 }
        && preprocessing.inputRange > 0 && preprocessing.resize.map(Self.isPossible) ?? true
    }

    private static func isPossible(_ resize: Resize) -> Bool {
      ["stretch", "shorterSide"].contains(resize.rule)
        && ["nearest", "bilinear", "bicubic"].contains(resize.filter)
        && (1...maximumSize).contains(resize.size) && (1...resize.size).contains(resize.crop)
    }
  }
}
