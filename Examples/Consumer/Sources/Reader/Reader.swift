import RNW
import Tensors

/// Opens a converted network and looks at its tensors, as an app would that computes by itself.
@main
struct Reader {
  static func main() throws {
    let model = try RNWFile(path: CommandLine.arguments[1])

    // Opening has checked the structure; nothing was read. Sorted by name:
    for tensor in model.tensors.prefix(3) {
      print(tensor.name, tensor.dtype.name, tensor.shape)
    }

    // Compared with its checksum; decoded where it is compressed, mapped where it is not.
    let kernel = try model.tensor(named: "stem.conv.weight")
    kernel.withFloats { floats in print("first value:", floats[0]) }
    print("mapped:", model.isMapped(tensorNamed: "stem.conv.weight"))

    // Every tensor against its checksums.
    for tensor in model.tensors { try model.verify(tensorNamed: tensor.name) }

    // What the tensors were called where they came from.
    let source: Source = try model.source()
    print(source.family, source.used["stem.conv.weight"] ?? "")
  }

  /// The parts of `rnw.source` that this program needs.
  struct Source: Decodable {
    let family: String
    let used: [String: String]
  }
}
