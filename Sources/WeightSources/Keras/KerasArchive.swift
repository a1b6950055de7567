import Files
import Plain
import Tensors

extension KerasSource {
  /// The most that a configuration may take; ResNet152V2's has 700 kB.
  private static let maximumConfigurationBytes = 16 << 20

  private static let weightsName = "model.weights.h5"

  /// Opens an HDF5 file of Keras.
  init(hdf5 file: MappedFile) throws {
    try self.init(try HDF5File(file, range: 0..<file.count), in: [SourceFile(file)])
  }

  /// Opens a `.keras` archive: `config.json` and `model.weights.h5` in a zip.
  init(archive: ZipArchive) throws {
    let path = archive.file.path
    guard let weights = archive.member(named: Self.weightsName),
      let configuration = archive.member(named: "config.json")
    else {
      throw InputError(
        .badData, path: path, "is no whole .keras archive",
        place: "config.json and \(Self.weightsName) were expected")
    }
    let json = try archive.bytes(of: configuration, limit: Self.maximumConfigurationBytes)
    guard let text = String(validating: json, as: UTF8.self) else {
      throw InputError(
        .badData, path: path, "has a configuration that is not text", place: "config.json")
    }
    let metadata = try archive.member(named: "metadata.json").flatMap { member in
      let json = try archive.bytes(of: member, limit: Self.maximumConfigurationBytes)
      return try? JSONValue(json: json)
    }
    let file: HDF5File
    if weights.isStored {
      // The weights are used where they lie in the archive.
      try archive.verify(weights)
      file = try HDF5File(archive.file, range: weights.range)
    } else {
      let bytes = try archive.bytes(
        of: weights, limit: weights.limit(free: HDF5File.freeDecodedBytes))
      let inflated = try MappedFile(temporary: bytes, path: path)
      file = try HDF5File(inflated, range: 0..<inflated.count)
    }
    try self.init(
      file, configuration: text, archiveMetadata: metadata, in: [SourceFile(archive.file)])
  }

  /// Whether an archive is Keras': it holds a weights file.
  static func isKeras(_ archive: ZipArchive) -> Bool {
    archive.member(named: weightsName) != nil
  }
}
