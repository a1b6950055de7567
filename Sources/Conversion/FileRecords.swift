package import Families
import Files
import FoundationEssentials
package import Precision
package import RNW

/// Where the weights of a `.rnw` came from: its `rnw.source`.
package struct SourceRecord: Codable, Sendable {
  /// The name of the source file, without its folder.
  package var file: String
  /// The SHA-256 of the source file.
  package var sha256: String
  /// The kind of container.
  package var container: String
  /// The family's short name.
  package var family: String
  /// The layers that the source calls otherwise than its family does, by canonical name.
  package var renamedLayers: [String: String]
  /// The source's tensor for every parameter, by canonical name.
  package var used: [String: String]
  /// The source's tensors that were passed over, with the rule.
  package var waived: [String: String]
  /// What the user told of the network where the file is silent, by option; absent where nothing.
  package var told: [String: String]?
  /// The user's own rules for names, by the expression that each matches; absent without.
  package var rules: [String: String]?
  /// The options that were worked into the weights, with their values; absent where none was.
  package var baked: [String: String]?
  /// The published file that the source is, with its digest; absent where it is none that is known.
  package var published: String?
  /// The tool and its version.
  package var tool: String
  /// The `.rnw` files that the weights went through since the source, first to last; `nil` for none.
  package var through: [Step]?

  /// A `.rnw` that was converted again.
  package struct Step: Codable, Sendable {
    /// The name of the file, without its folder.
    package var file: String
    /// The SHA-256 of the file.
    package var sha256: String
    /// The tool that converted it, and its version.
    package var tool: String
  }

  /// Sets the SHA-256 of the file that is converted: the source, or the last that it went through.
  mutating func setDigest(_ digest: String) {
    if let last = through?.indices.last {
      through?[last].sha256 = digest
    } else {
      sha256 = digest
    }
  }
}

/// What the input went through before training: `rnw.preprocessing`.
package struct PreprocessingRecord: Codable, Sendable {
  /// The family's preprocessing.
  package var preprocessing: Preprocessing
  /// The height and width that the family's networks expect.
  package var inputSize: Int
}

/// What was compared before the file was written, and what everyone can compute again:
/// `rnw.certificate`.
package struct CertificateRecord: Codable, Sendable {
  /// The probe that the network was run on.
  package var probe: ProbeRecord
  /// What the values are: the node whose output they are, averaged over the image where it has one.
  package var node: String
  /// The values of that node, image by image, as the reference executor gave them.
  package var values: [Float]
  /// The limit that every layer kept.
  package var limit: Double
  /// How many layers were compared.
  ///
  /// How close they came is no part of the record: it depends on the kernels that the processor has,
  /// and the same source shall give the same file everywhere.
  package var layers: Int
  /// What exactly was compared; absent in files of a version that did not say.
  package var compared: ComparedRecord?
  /// What rounding the weights did, where they were rounded.
  package var rounding: RoundingRecord?
  /// The comparison with the graph that the source itself describes, where it does.
  package var ownGraph: OwnGraphRecord?
  /// The comparison with the framework's own activations, where they were given.
  package var reference: ReferenceRecord?
  /// What the family supplied and nothing told; absent where nothing was.
  package var assumptions: [Assumption]?
  /// What was left out of a bigger model that the network is a part of.
  package var part: String?
  /// What tells the first wrong layer of any engine; absent in files of a version that did not write it.
  package var fingerprints: Fingerprints.Record?

  /// An input that everyone can make.
  package struct ProbeRecord: Codable, Sendable {
    /// The seed of SplitMix64.
    package var seed: UInt64
    /// The shape, [N, H, W, C].
    package var shape: [Int]
    /// What the uniform values of each channel are multiplied by; absent for 1.
    package var scale: [Double]?
    /// What is then added; absent for 0.
    package var offset: [Double]?
  }

  /// What the limit was kept on.
  package struct ComparedRecord: Codable, Sendable {
    /// What both networks were run on.
    package var input: InputRecord
    /// The shape of every layer's value for one image, by canonical name.
    package var layers: [String: [Int]]
    /// How many tensors of the file are to the bit those that were to be written.
    package var tensors: Int
  }

  /// The images that the layers were compared on.
  package struct InputRecord: Codable, Sendable {
    /// How many there were.
    package var images: Int
    /// The shape of one of them, [1, H, W, C].
    package var shape: [Int]
    /// The SHA-256 of all values in their order, as little-endian float32.
    package var sha256: String
    /// The seed, where they are the first images of a probe.
    package var seed: UInt64?
  }

  /// The comparison of rounded weights with those of the source.
  package struct RoundingRecord: Codable, Sendable {
    /// The precision that was asked for.
    package var precision: Precision
    /// The scaled error of the output that was allowed; absent where it was that of the precision.
    package var maximumError: Double?
    /// The scaled error of the certified values against those that the source's weights give, both
    /// by the reference executor.
    package var outputError: Double
    /// On how many images the layers were compared.
    package var images: Int
    /// How many layers were compared.
    package var layers: Int
  }

  /// A comparison with the graph that the source itself describes.
  package struct OwnGraphRecord: Codable, Sendable {
    /// How many layers were compared.
    package var layers: Int
  }

  /// A comparison with activations that a framework computed.
  package struct ReferenceRecord: Codable, Sendable {
    /// The name of the archive, without its folder.
    package var file: String
    /// How many layers were compared.
    package var layers: Int
  }
}

/// The one way in which records become JSON: keys sorted, so that the same record gives the same
/// bytes.
package enum RecordCoding {
  /// The JSON text of a record.
  package static func json(_ record: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      pretty
      ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      : [
        .sortedKeys, .withoutEscapingSlashes,
      ]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(record), as: UTF8.self)
  }

  /// The record of a JSON text.
  package static func record<Record: Decodable>(
    _ type: Record.Type = Record.self, from json: String
  ) throws -> Record {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(Record.self, from: Data(json.utf8))
  }
}

/// The last part of a path.
package func fileName(of path: String) -> String {
  path.lastName
}
