import Foundation
import Networks

/// Answers `rnw verify MODEL --runtime 'RuntimeAdapter MODEL'` for an engine in Swift: put your own in the place of `Network`.
@main
struct RuntimeAdapter {
  static func main() throws {
    let network = try Network(contentsOf: CommandLine.arguments[1])
    var values: [String: Activation] = [:]
    while let line = line() {
      let message = try JSONDecoder().decode(Message.self, from: Data(line.utf8))
      if let shape = message.input?["shape"] {
        let image = try Activation(try floats(shape.reduce(1, *)), shape: shape)
        values = [:]
        try network.run(image) { layer, value in values[layer.name] = value }
        answer("{}")
      } else if let layer = message.layer {
        guard let value = values[layer] else {
          answer(#"{"missing": true}"#)
          continue
        }
        answer(#"{"shape": \#(value.shape.dimensions)}"#, value.values)
      } else {
        answer(#"{"engine": "rnw in Swift", "layout": "NHWC", "names": "canonical"}"#)
      }
    }
  }

  /// A line of the protocol: a greeting, images, or the name of a layer.
  struct Message: Decodable {
    let input: [String: [Int]]?
    let layer: String?
  }

  static func answer(_ line: String, _ values: [Float] = []) {
    let bytes = Data("\(line)\n".utf8) + values.withUnsafeBytes { Data($0) }
    FileHandle.standardOutput.write(bytes)
  }

  /// The next line of the standard input, byte by byte: what follows it is no text.
  static func line() -> String? {
    var bytes = Data()
    while let byte = try? FileHandle.standardInput.read(upToCount: 1), let first = byte.first {
      if first == 0x0A { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(first)
    }
    return nil
  }

  /// So many raw float32 of the standard input.
  static func floats(_ count: Int) throws -> [Float] {
    var bytes = Data()
    while bytes.count < 4 * count,
      let part = try FileHandle.standardInput.read(upToCount: 4 * count - bytes.count)
    {
      bytes += part
    }
    return bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }
}
