import Files
import RNW
import Safetensors
import Tensors

/// A kind of file that holds weights: how it is recognised by its content, how it is opened, the endings it has.
///
/// What opens files, what names their endings, and what feeds them to a fuzzer all read the one table `all`: a new
/// container is a line of it.
struct Container: Sendable {
  /// As messages name it.
  let name: String

  /// The endings that such files have, without the first dot, the longer of two that end alike first.
  let endings: [String]

  /// Whether it is read by the program `rnw-hdf5`, not in this process alone.
  let needsProgram: Bool

  private let recognizes: @Sendable (FileContent) throws -> Bool
  private let opens: @Sendable (FileContent, _ dictionary: String?) throws -> any WeightSource

  private init(
    _ name: String, endings: [String], needsProgram: Bool = false,
    recognizes: @escaping @Sendable (FileContent) throws -> Bool,
    opens: @escaping @Sendable (FileContent, String?) throws -> any WeightSource
  ) {
    self.name = name
    self.endings = endings
    self.needsProgram = needsProgram
    self.recognizes = recognizes
    self.opens = opens
  }

  /// Makes a container that is a zip archive.
  private init(
    zip name: String, endings: [String], needsProgram: Bool = false,
    recognizes: @escaping @Sendable (ZipArchive) -> Bool,
    opens: @escaping @Sendable (ZipArchive, String?) throws -> any WeightSource
  ) {
    self.init(
      name, endings: endings, needsProgram: needsProgram,
      recognizes: { $0.archive.map(recognizes) ?? false },
      opens: { content, dictionary in
        guard let archive = content.archive else {
          throw InputError(.badData, path: content.file.path, "is not a zip archive")
        }
        return try opens(archive, dictionary)
      })
  }

  /// Whether a file is of this kind.
  ///
  /// - Throws: `InputError` where it begins as one and breaks a rule.
  func holds(_ content: FileContent) throws -> Bool { try recognizes(content) }

  /// Opens a file of this kind.
  ///
  /// - Throws: `InputError` where it breaks a rule of its kind.
  func open(_ content: FileContent, dictionary: String? = nil) throws -> any WeightSource {
    try opens(content, dictionary)
  }
}

extension Container {
  /// All that are read, in the order in which they are tried.
  static let all = [
    keras, hdf5, npz, npy, rnw, safetensors, torchArchive, torchStream, mxnet, onnx,
    tensorFlow, pickle,
  ]

  static let keras = Container(
    zip: ".keras", endings: ["keras"], needsProgram: true,
    recognizes: KerasSource.isKeras, opens: { archive, _ in try KerasSource(archive: archive) })

  static let hdf5 = Container(
    "HDF5", endings: ["weights.h5", "h5", "hdf5"], needsProgram: true,
    recognizes: { HDF5File.isHDF5($0.file) },
    opens: { content, _ in try KerasSource(hdf5: content.file) })

  static let npz = Container(
    zip: ".npz", endings: ["npz"],
    recognizes: NumPySource.isNPZ, opens: { archive, _ in try NumPySource(npz: archive) })

  static let npy = Container(
    ".npy", endings: ["npy"],
    recognizes: { NPYHeader.isNPY($0.start(6)) },
    opens: { content, _ in try NumPySource(npy: content.file) })

  static let rnw = Container(
    ".rnw", endings: ["rnw"],
    recognizes: { try $0.safetensors().map(RNWFile.isRNW) ?? false },
    opens: { content, _ in try RNWFile(SafetensorsFile(content.file)) })

  static let safetensors = Container(
    ".safetensors", endings: ["safetensors"],
    recognizes: { SafetensorsHeader.isSafetensors($0.file) },
    opens: { content, _ in try SafetensorsFile(content.file) })

  static let torchArchive = Container(
    zip: ".pth", endings: ["pth.tar", "pth", "pt", "ckpt", "bin"],
    recognizes: TorchArchive.isTorch,
    opens: { archive, dictionary in try TorchArchive(archive).source(dictionary: dictionary) })

  /// The form before PyTorch 1.6: pickles one after the other.
  static let torchStream = Container(
    ".pth", endings: [],
    recognizes: { TorchStream.isTorch($0.file) },
    opens: { content, dictionary in try TorchStream.source(content.file, dictionary: dictionary) })

  static let mxnet = Container(
    ".params", endings: ["params"],
    recognizes: { MXNetSource.isMXNet($0.file) },
    opens: { content, _ in try MXNetSource(content.file) })

  static let onnx = Container(
    ".onnx", endings: ["onnx"],
    recognizes: { ONNXSource.isONNX($0.file) },
    opens: { content, _ in try ONNXSource(content.file, opensOthers: !content.isAlone) })

  /// A checkpoint of one file; those of several files are opened by their index.
  static let tensorFlow = Container(
    "a TensorFlow checkpoint", endings: ["ckpt.index", "index"],
    recognizes: { SortedTable.isTable($0.file) },
    opens: { content, _ in try TensorFlowV1(content.file) })

  /// A pickle that PyTorch did not write: dictionaries of NumPy's arrays.
  static let pickle = Container(
    ".pkl", endings: ["pkl", "pickle"],
    recognizes: { OtherContainer.isPickle($0.file) },
    opens: { content, _ in try PickleSource(content.file) })

  /// Which container a file is; `nil` where it is none of them.
  ///
  /// - Throws: `InputError` where it begins as one and breaks a rule.
  static func of(_ content: FileContent, among containers: [Container] = all) throws -> Container? {
    try containers.first { try $0.holds(content) }
  }
}

/// A file as recognition looks at it: what several containers are made of is read once.
struct FileContent: Sendable {
  let file: MappedFile

  /// The archive, where the file is one.
  let archive: ZipArchive?

  /// Whether no files beside it may be opened, as its name is none.
  let isAlone: Bool

  /// - Throws: `InputError` where the file begins as a zip archive and breaks a rule of these.
  init(_ file: MappedFile, isAlone: Bool = false) throws {
    self.file = file
    self.isAlone = isAlone
    archive = ZipArchive.isZip(file) ? try ZipArchive(file) : nil
  }

  /// So many of the first bytes, or all.
  func start(_ count: Int) -> [UInt8] { file.bytes(at: 0, count: min(count, file.count)) ?? [] }

  /// The safetensors file that this is; `nil` where it does not begin as one.
  func safetensors() throws -> SafetensorsFile? {
    SafetensorsHeader.isSafetensors(file) ? try SafetensorsFile(file) : nil
  }
}
