import Files
import Tensors
import Testing

@testable import SourceGraph

/// What would make the axes of a value others than they are taken for, or a value another one where it is read again.
extension ONNXGraphTests {
  /// A shape that a value is given, and what the graph is then.
  struct Reshaped: Sendable, CustomTestStringConvertible {
    /// The sizes; `nil` for that of the batch, as the file computes it.
    let sizes: [Int?]
    /// The image's sizes.
    var input: [Int?] = [nil, 3, nil, nil]
    /// What makes the value.
    var maker = "GlobalAveragePool"
    let isRead: Bool

    var testDescription: String {
      func list(_ sizes: [Int?]) -> String {
        sizes.map { $0.map(String.init) ?? "N" }.joined(separator: ", ")
      }
      return "\(maker) of [\(list(input))] as [\(list(sizes))]"
    }
  }

  static let reshaped: [Reshaped] = [
    // What exporters write.
    Reshaped(sizes: [nil, -1], isRead: true),
    Reshaped(sizes: [nil, 3], isRead: true),
    Reshaped(sizes: [0, -1], isRead: true),
    Reshaped(sizes: [0, 0], isRead: true),
    Reshaped(sizes: [-1, 3], isRead: true),
    Reshaped(sizes: [-1, 0], isRead: true),
    Reshaped(sizes: [-1, 3, 1, 1], isRead: true),
    Reshaped(sizes: [0, -1, 1, 1], isRead: true),
    Reshaped(sizes: [1, -1], input: [1, 3, nil, nil], isRead: true),
    Reshaped(sizes: [1, 3], input: [1, 3, nil, nil], isRead: true),
    Reshaped(sizes: [4, -1], input: [4, 3, nil, nil], isRead: true),
    Reshaped(sizes: [-1, 3], input: [1, 3, nil, nil], isRead: true),
    Reshaped(sizes: [0, -1], maker: "Relu", isRead: true),
    Reshaped(sizes: [nil, -1], maker: "Relu", isRead: true),
    Reshaped(sizes: [-1, 60], input: [nil, 3, 5, 4], maker: "Relu", isRead: true),
    Reshaped(sizes: [-1, 3], input: [nil, 3, 1, 1], maker: "Relu", isRead: true),
    // An image's values in several rows, or several images' in one.
    Reshaped(sizes: [-1, 1], isRead: false),
    Reshaped(sizes: [-1, 6], isRead: false),
    Reshaped(sizes: [-1, 1, 1, 1], isRead: false),
    Reshaped(sizes: [-1, 6, 1, 1], isRead: false),
    Reshaped(sizes: [-1, nil], isRead: false),
    Reshaped(sizes: [nil, nil], isRead: false),
    Reshaped(sizes: [1, -1], isRead: false),
    Reshaped(sizes: [1, 3], isRead: false),
    Reshaped(sizes: [1, -1, 1, 1], isRead: false),
    Reshaped(sizes: [3, -1], input: [1, 3, nil, nil], isRead: false),
    Reshaped(sizes: [3, 1], input: [1, 3, nil, nil], isRead: false),
    Reshaped(sizes: [-1, 1], input: [1, 3, nil, nil], isRead: false),
    Reshaped(sizes: [2, -1], input: [4, 3, nil, nil], isRead: false),
    Reshaped(sizes: [0, 6], isRead: false),
    Reshaped(sizes: [-1, -1], isRead: false),
    Reshaped(sizes: [-1, 60], maker: "Relu", isRead: false),
    Reshaped(sizes: [-1, 30], input: [nil, 3, 5, 4], maker: "Relu", isRead: false),
    Reshaped(sizes: [-1, 1], input: [nil, 3, 1, 1], maker: "Relu", isRead: false),
    Reshaped(sizes: [-1, 0], input: [nil, 3, 5, 4], maker: "Relu", isRead: false),
  ]

  @Test("A shape is read where each image keeps all of its values", arguments: reshaped)
  func reshapes(_ reshaped: Reshaped) throws {
    var tensors = ["zero": Self.integers([0])]
    var nodes = [node(reshaped.maker, ["x"], "f")]
    if reshaped.sizes.contains(nil) {
      nodes.append(node("Shape", ["f"], "all"))
      nodes.append(node("Gather", ["all", "zero"], "batch", ["axis": .integer(0)]))
      let sizes = reshaped.sizes.enumerated().map { axis, size in
        tensors["s\(axis)"] = size.map { Self.integers([$0]) }
        return size == nil ? "batch" : "s\(axis)"
      }
      nodes.append(node("Concat", sizes, "shape", ["axis": .integer(0)]))
    } else {
      tensors["shape"] = Self.integers(reshaped.sizes.compactMap(\.self))
    }
    nodes.append(node("Reshape", ["f", "shape"]))
    let graph = try graph(nodes, tensors: tensors, input: reshaped.input)
    if reshaped.isRead {
      try graph.requireUnderstood()
    } else {
      let error = #expect(throws: InputError.self) { try graph.requireUnderstood() }
      #expect(error?.place?.contains("for each image") == true, "\(error?.place ?? "")")
    }
  }

  @Test("A shape in which zero is no axis taken over is none of an image")
  func zeros() throws {
    let reshape = node("Reshape", ["x", "s"], "y", ["allowzero": .integer(1)])
    let graph = try graph([reshape], tensors: ["s": Self.integers([0, -1])])
    #expect(throws: InputError.self) { try graph.requireUnderstood() }
  }

  @Test(
    "A bias is a convolution's only where nothing reads the convolution itself",
    arguments: ["Identity", "Dropout", "Cast"])
  func sharedBias(alias: String) throws {
    let tensors = ["k": Self.floats([4, 3, 1, 1]), "b": Self.floats([1, 4, 1, 1])]
    let conv = node("Conv", ["x", "k"], "c")
    let handed = node(alias, ["c"], "i", ["to": .integer(1)])
    /// The shift of one name, and a sum of it with another.
    func operations(_ shifted: String, and other: String) throws -> [SourceOperation] {
      try graph(
        [conv, handed, node("Add", [shifted, "b"], "s"), node("Add", ["s", other])],
        tensors: tensors
      ).nodes.map(\.operation)
    }
    let shift = SourceOperation.affine(scale: [1], offset: [0.5, 0.5, 0.5, 0.5])
    #expect(try operations("i", and: "c").contains(shift))
    #expect(try operations("c", and: "i").contains(shift))
    let alone = try graph([conv, handed, node("Add", ["i", "b"])], tensors: tensors)
    #expect(alone.nodes[alone.outputs[0]].tensors["bias"]?.name == "b")
  }

  @Test("A scale and a shift are a norm only where nothing reads the scaled value itself")
  func sharedScale() throws {
    let tensors = ["a": Self.floats([3, 1, 1], 2), "b": Self.floats([1, 3, 1, 1], 1)]
    let scale = [
      node("Relu", ["x"], "r"), node("Mul", ["r", "a"], "s"), node("Identity", ["s"], "i"),
    ]
    let shift = node("Add", ["i", "b"], "t")
    let isNorm = { (graph: SourceGraph) in
      graph.nodes.contains { if case .batchNorm = $0.operation { true } else { false } }
    }
    #expect(isNorm(try graph(scale + [shift], tensors: tensors)))
    #expect(!isNorm(try graph(scale + [shift, node("Add", ["t", "s"])], tensors: tensors)))
  }

  @Test(
    "A constant of more axes than the value gives it axes, even where it changes no number",
    arguments: ["Mul", "Add", "Div", "Sub"], [3, 4, 5])
  func moreAxes(kind: String, rank: Int) throws {
    let constant = Self.floats(
      Shape([Int](repeating: 1, count: rank)), kind == "Mul" || kind == "Div" ? 1 : 0)
    let features = [
      node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "f"), node(kind, ["f", "c"]),
    ]
    let vectors = try graph(features, tensors: ["c": constant])
    let error = #expect(throws: InputError.self) { try vectors.requireUnderstood() }
    #expect(error?.place?.contains("more axes") == true, "\(error?.place ?? "")")
    let images = try graph([node(kind, ["x", "c"])], tensors: ["c": constant])
    if rank <= 4 {
      try images.requireUnderstood()
    } else {
      #expect(throws: InputError.self) { try images.requireUnderstood() }
    }
  }

  @Test(
    "The bias of a product has one value for each output along the last axis",
    arguments: [[5], [1, 5], [5, 1], [1], []] as [Shape])
  func bias(shape: Shape) throws {
    let nodes = [
      node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "f"),
      node("Gemm", ["f", "m", "b"]),
    ]
    let graph = try graph(nodes, tensors: ["m": Self.floats([3, 5]), "b": Self.floats(shape)])
    if shape == [5] || shape == [1, 5] {
      try graph.requireUnderstood()
    } else {
      let error = #expect(throws: InputError.self) { try graph.requireUnderstood() }
      #expect(error?.place?.contains("one value for each output") == true)
    }
  }

  @Test("A bias whose axes are exchanged is none")
  func exchangedBias() throws {
    let nodes = [
      node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "f"),
      node("Transpose", ["b"], "t", ["perm": .integers([1, 0])]), node("Gemm", ["f", "m", "t"]),
    ]
    let graph = try graph(nodes, tensors: ["m": Self.floats([3, 5]), "b": Self.floats([1, 5])])
    #expect(throws: InputError.self) { try graph.requireUnderstood() }
  }
}
