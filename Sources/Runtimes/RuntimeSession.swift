import Comparison
import Families
import Inference
import Plain
import ResNetV2
import Tensors

/// A conversation with a program of the user's own: `rnw.runtime/1`, as docs/your-runtime.md describes it.
final class RuntimeSession {
  private let process: RuntimeProcess
  private let layout: LayerNames.Layout
  /// The name by which the program knows each layer, by canonical name.
  let names: [String: String]
  /// What the program says of layers that the network has not.
  let unknown: [String]
  /// Whether the program can compute a layer from inputs that it is given.
  let isIsolated: Bool
  /// What the program calls itself.
  let title: String?

  /// Starts a program, and asks what it has.
  ///
  /// - Parameters:
  ///   - model: the file of the network, which the program may load.
  ///   - layers: the names of the layers in their order: the family's where it has one, and the canonical.
  init(
    _ command: String, seconds: Int, model: String, layers: [(name: String, canonical: String)],
    layout: LayerNames.Layout
  ) throws(RuntimeFault) {
    process = try RuntimeProcess(command, seconds: seconds)
    try process.send(
      .object([
        "hello": .text("rnw.runtime/1"), "model": .text(model),
        "layers": .list(
          layers.map {
            .object(["name": .text($0.name), "canonical": .text($0.canonical)])
          }),
      ]))
    let answer = try Self.checked(process.answer())
    title = answer["engine"]?.text
    isIsolated = answer["isolated"] == .bool(true)
    switch answer["layout"]?.text {
    case nil: self.layout = layout
    case "NHWC": self.layout = .nhwc
    case "NCHW": self.layout = .nchw
    case let other?: throw .malformed("has the layout '\(other)'; NHWC or NCHW was expected")
    }
    guard let listed = answer["layers"] else {
      let isCanonical = answer["names"]?.text == "canonical"
      names = Dictionary(
        layers.map { ($0.canonical, isCanonical ? $0.canonical : $0.name) }
      ) { first, _ in first }
      unknown = []
      return
    }
    guard let texts = listed.elements?.map(\.text), !texts.contains(nil) else {
      throw .malformed("has 'layers' that are no list of names")
    }
    var (names, unknown): ([String: String], [String]) = ([:], [])
    for text in texts.compactMap({ $0 }) {
      let layer = layers.first { $0.name == text } ?? layers.first { $0.canonical == text }
      if let layer { names[layer.canonical] = text } else { unknown.append(text) }
    }
    (self.names, self.unknown) = (names, unknown)
  }

  /// Gives the images that the next layers are to be computed from.
  func give(_ input: Activation) throws(RuntimeFault) {
    let tensor = input.tensor(in: layout)
    try process.send(.object(["input": .object(["shape": shape(tensor)])]), [tensor.floats()])
    _ = try Self.checked(process.answer())
  }

  /// The value of a layer; `nil` where the program has none.
  ///
  /// - Parameter inputs: what the layer is to be computed from, with names; from the images that were given where `nil`.
  func value(
    of name: String, shape expected: Shape, from inputs: [(name: String, value: Activation)]? = nil
  ) throws(RuntimeFault) -> Activation? {
    var message: [String: JSONValue] = ["layer": .text(name)]
    let tensors = inputs?.map { $0.value.tensor(in: layout) }
    if let inputs, let tensors {
      message["inputs"] = .list(
        zip(inputs, tensors).map { .object(["name": .text($0.name), "shape": shape($1)]) })
    }
    try process.send(.object(message), (tensors ?? []).map { $0.floats() })
    let answer = try Self.checked(process.answer())
    if answer["missing"] == .bool(true) { return nil }
    guard let sizes = answer["shape"]?.elements?.map(\.integer), !sizes.contains(nil),
      let found = Shape(validating: sizes.compactMap { $0 })
    else { throw .malformed("has no 'shape' of whole numbers") }
    let wanted = layout.shape(of: expected)
    // What has another size is read all the same where that is bounded, so that the next answer is found.
    guard found.elementCount <= 4 * max(wanted.elementCount, 1 << 20) else {
      throw .malformed("has the shape \(found), expected \(wanted)")
    }
    let values = try process.floats(found.elementCount)
    guard found == wanted else {
      // Features may be an image of one pixel.
      guard expected.rank == 2, found.elementCount == wanted.elementCount,
        found.dimensions.first == wanted[0]
      else { throw .told("the shape is \(found), expected \(wanted)") }
      return Activation(shape: expected, values: values)
    }
    guard layout == .nchw, found.rank == 4 else {
      return Activation(shape: expected, values: values)
    }
    return Activation(channelsFirst: found, values: values)
  }

  private func shape(_ tensor: TensorData) -> JSONValue {
    .list(tensor.shape.dimensions.map { .integer($0) })
  }

  /// An answer that is no complaint.
  private static func checked(_ answer: JSONValue) throws(RuntimeFault) -> JSONValue {
    guard case .object = answer else { throw .malformed("is no object") }
    if let text = answer["error"]?.text { throw .told(text.escapingControlCharacters) }
    return answer
  }
}
