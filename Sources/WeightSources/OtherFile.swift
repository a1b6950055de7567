import Files
import Tensors

/// A file that holds no weights in a form that is read: what it is, and what to do.
///
/// Told by the first bytes, as a name may say anything.
struct OtherFile {
  /// What the file is, as it follows its name in a message.
  let problem: String
  /// What the user can do.
  let hint: String

  /// Tells what a file is; `nil` for one that is not known either.
  init?(_ file: MappedFile) {
    let start = file.bytes(at: 0, count: min(file.count, Self.startBytes)) ?? []
    if let mark = Self.marks.first(where: { $0.stands(in: start) }) {
      (problem, hint) = (mark.problem, mark.hint)
      return
    }
    let tail = file.bytes(at: max(file.count - 8, 0), count: min(file.count, 8)) ?? []
    if tail == Self.tableEnd || file.path.contains(".data-0000") {
      (problem, hint) = (
        "is part of a TensorFlow checkpoint",
        "its index, a file of the same name that ends in .index, must be whole and beside it"
      )
      return
    }
    guard let found = OtherFile(text: start) ?? OtherFile(message: start) else { return nil }
    self = found
  }

  private init(_ problem: String, _ hint: String) {
    (self.problem, self.hint) = (problem, hint)
  }

  // MARK: - Marks

  private static let startBytes = 4096

  /// The last bytes of a table of LevelDB: a checkpoint of TensorFlow's first form, and the index of the second.
  private static let tableEnd: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]

  private static let kerasHint =
    "load it in Python and save it by model.save('model.keras') or save_weights('model.weights.h5')"
  private static let sourceHint = "convert the .h5, .keras or .pth file that it was made from"
  private static let unpackHint = "unpack it and give the file within"
  private static let cutOffHint = "it was not written to its end: download it again"
  private static let imageHint = "images are given to a network: --input"

  private struct Mark {
    var offset = 0
    let bytes: [UInt8]
    let problem: String
    let hint: String

    func stands(in start: [UInt8]) -> Bool {
      start.count >= offset + bytes.count && Array(start[offset..<offset + bytes.count]) == bytes
    }
  }

  private static let marks = [
    Mark(
      bytes: Array("version https://git-lfs".utf8), problem: "is a Git LFS pointer, not the file",
      hint: "git lfs pull brings the file itself"),
    Mark(
      bytes: Array("GGUF".utf8), problem: "is a GGUF file of quantised weights", hint: sourceHint),
    Mark(
      offset: 4, bytes: Array("TFL3".utf8), problem: "is a TFLite model for devices",
      hint: sourceHint),
    Mark(
      offset: 257, bytes: Array("ustar".utf8), problem: "is a tar archive",
      hint: "unpack it (tar xf) and give the file within"),
    Mark(
      bytes: [0x1F, 0x8B], problem: "is compressed by gzip",
      hint: "unpack it (gunzip, or tar xzf) and give the file within"),
    Mark(bytes: Array("BZh".utf8), problem: "is compressed by bzip2", hint: unpackHint),
    Mark(
      bytes: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], problem: "is compressed by xz", hint: unpackHint),
    Mark(bytes: [0x28, 0xB5, 0x2F, 0xFD], problem: "is compressed by zstd", hint: unpackHint),
    Mark(bytes: [0x37, 0x7A, 0xBC, 0xAF], problem: "is a 7z archive", hint: unpackHint),
    Mark(bytes: Array("Rar!".utf8), problem: "is a RAR archive", hint: unpackHint),
    Mark(
      bytes: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A], problem: "is a PNG image, not weights",
      hint: imageHint),
    Mark(bytes: [0xFF, 0xD8, 0xFF], problem: "is a JPEG image, not weights", hint: imageHint),
    Mark(bytes: Array("GIF8".utf8), problem: "is a GIF image, not weights", hint: imageHint),
    Mark(
      offset: 8, bytes: Array("WEBP".utf8), problem: "is a WebP image, not weights",
      hint: imageHint),
    Mark(bytes: Array("%PDF".utf8), problem: "is a PDF document", hint: sourceHint),
    Mark(
      bytes: Array("MATLAB 5.0 MAT-file".utf8), problem: "is a MATLAB file",
      hint: "load it by scipy.io.loadmat and save the arrays by numpy.savez"),
    Mark(
      bytes: [UInt8](repeating: 0, count: 512), problem: "holds zeros where a file begins",
      hint: cutOffHint),
  ]

  // MARK: - Text

  private init?(text start: [UInt8]) {
    var bytes = start[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    bytes = bytes.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    let isText = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || [0x09, 0x0A, 0x0D].contains($0) }
    guard let first = bytes.first, isText else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    let lower = text.prefix(200).lowercased()
    if lower.hasPrefix("<!doctype html") || lower.hasPrefix("<html") || lower.hasPrefix("<head") {
      self.init(
        "is an HTML page, not the file",
        "the address leads to a web page about it: take the address of the download itself")
    } else if lower.hasPrefix("<?xml") || first == UInt8(ascii: "<") {
      self.init(
        "is an XML document, not weights",
        "a server may have answered with a message instead of the file: look into it")
    } else if text.hasPrefix("model_checkpoint_path:") {
      self.init(
        "names a TensorFlow checkpoint and holds none", "the checkpoint itself must be beside it")
    } else if text.contains("\"weight_map\"") {
      self.init(
        "is the index of a checkpoint in several files under another name",
        "its name must end in .index.json, with the files beside it")
    } else if text.contains("\"weightsManifest\"") || text.contains("\"modelTopology\"") {
      self.init("is a model of TensorFlow.js", Self.sourceHint)
    } else if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
      let isKeras = text.contains("\"class_name\"")
      self.init(
        isKeras ? "is a Keras model's configuration without weights" : "is JSON, not weights",
        isKeras ? "give the .keras or .h5 file with the weights" : Self.sourceHint)
    } else {
      self.init("is text, not weights", Self.sourceHint)
    }
  }

  // MARK: - Messages of protocol buffers

  /// Whether a message begins with a node of a graph: a field 1 that begins with a name and the name of an operation.
  private static func isGraph(_ start: [UInt8]) -> Bool {
    var reader = ByteReader(Array(start.dropFirst()))
    guard start.first == 0x0A else { return false }
    var length = 0
    for shift in stride(from: 0, to: 35, by: 7) {
      guard let byte = reader.read(UInt8.self) else { return false }
      length |= Int(byte & 0x7F) << shift
      if byte < 0x80 { break }
    }
    func text(_ field: UInt8) -> String? {
      guard reader.read(UInt8.self) == field, let count = reader.read(UInt8.self), count > 0,
        count < 0x80
      else { return nil }
      return reader.readText(count: Int(count))
    }
    guard length > 4, let name = text(0x0A), let operation = text(0x12) else { return false }
    let isName = name.utf8.allSatisfy { (0x21..<0x7F).contains($0) }
    return isName && operation.first?.isUppercase == true
      && operation.utf8.allSatisfy {
        (UInt8(ascii: "A")...UInt8(ascii: "z")).contains($0) || (0x30...0x39).contains($0)
      }
  }

  /// A model as a message: its first field is a version, its second a text, or a description.
  private init?(message start: [UInt8]) {
    let onnx = "is an ONNX model that is cut off before its graph"
    guard start.count > 8, start[0] == 0x08, (1...32).contains(start[1]) else {
      guard Self.isGraph(start) else { return nil }
      self.init(
        "is a TensorFlow graph (GraphDef), in which weights are constants of no layer",
        "python -m tf2onnx.convert --graphdef FILE.pb --inputs NAME:0 --outputs NAME:0 --output model.onnx "
          + "makes an ONNX model of it, which is read; or give the checkpoint that it was frozen from"
      )
      return
    }
    switch start[2] {
    case 0x3A, 0x42: self.init(onnx, Self.cutOffHint)
    case 0x12:
      let length = Int(start[3])
      let name = start[4...].prefix(length)
      if length < 64, name.count == length,
        name.allSatisfy({ (0x20..<0x7F).contains($0) })
      {
        self.init(onnx, Self.cutOffHint)
      } else if start[1] == 1, start[3] >= 0x80 {
        self.init("is the graph of a TensorFlow SavedModel", Self.kerasHint)
      } else {
        self.init("is a Core ML model", Self.sourceHint)
      }
    default: return nil
    }
  }
}
