package import Comparison
package import Families
package import Inference
package import ResNetV2
import Tensors

/// A program of the user's own that gives one named layer each time it is run: the input as raw float32 on its standard input,
/// the layer as raw float32 on its standard output.
///
/// It is run as few times as possible: first for the output, then for the layers that halve what may be wrong.
package struct LayerRuntime: LayerTruth {
  package private(set) var assignment = LayerNames.Assignment()

  /// How often the program was run.
  package private(set) var runs = 0

  private let command: String
  private let seconds: Int
  private let family: LayerNames.Layout
  private let names: [String: String]
  private var layout: LayerNames.Layout?
  private var known: [String: Activation] = [:]
  private var problems: [String: String] = [:]

  /// What stands in the command for the family's name of a layer.
  package static let layerMark = "{layer}"
  /// What stands in the command for the canonical name of a layer.
  package static let canonicalMark = "{canonical}"
  /// What stands in the command for the sizes of the input, with commas between.
  package static let shapeMark = "{shape}"

  /// Whether a command is run once for each layer.
  package static func takes(_ command: String) -> Bool {
    command.contains(layerMark) || command.contains(canonicalMark)
  }

  /// Prepares runs of a program.
  ///
  /// - Parameter seconds: how long one run may take.
  package init(_ command: String, graph: Graph, layerNames: LayerNames, seconds: Int) {
    self.command = command
    self.seconds = seconds
    family = layerNames.layout
    let arrayNames = layerNames.arrayNames(of: graph.nodes.map(\.name))
    names = Dictionary(
      uniqueKeysWithValues: graph.nodes.dropFirst().map { node in
        let name = arrayNames[node.name] ?? node.name
        // Names of a file become part of a command: what a shell could take for more than a word does not.
        return (node.name, name.allSatisfy(isPlain) ? name : node.name)
      })
    assignment.missing = graph.nodes.dropFirst().compactMap { names[$0.name] }
  }

  /// Finds the first wrong layer; of a program whose output and features are right only these are asked.
  ///
  /// - Parameters:
  ///   - network: the network that is right.
  ///   - limit: what a layer may differ by, by canonical name.
  package mutating func search(
    by network: some Executor, input: Activation, limit: (_ node: String) -> Double,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    let graph = network.graph
    var right: [Activation] = []
    _ = try network.run(input) { right.append($1) }
    func isRight(_ node: Int) -> Bool {
      let name = graph.nodes[node].name
      return ask(name, right[node], input) <= limit(name)
    }
    // A mean over pixels and a softmax make differences small: what they read shows more.
    let features = right.lastIndex { $0.shape.rank == 4 }
    let ends = [graph.outputIndex, features].compactMap { $0 }
    if let wrong = ends.first(where: { !isRight($0) }) {
      var search = FaultSearch(graph, wrong: wrong)
      while let node = search.next {
        let left = Int.bitWidth - search.suspects.count.leadingZeroBitCount
        progress(runs, runs + left)
        search.note(node, isRight: isRight(node))
      }
    }
    assignment.missing.removeAll { known.keys.compactMap { names[$0] }.contains($0) }
  }

  /// Runs the program for a layer, and gives the scaled error of what it wrote; infinite where that is no value.
  private mutating func ask(_ node: String, _ right: Activation, _ input: Activation) -> Double {
    guard let name = names[node] else { return .infinity }
    runs += 1
    assignment.arrays[node] = name
    do throws(RuntimeFault) {
      let value = try run(name, node, right, input)
      known[node] = value
      return scaledError(value, right)
    } catch {
      problems[node] = error.description
      return .infinity
    }
  }

  private mutating func run(
    _ name: String, _ canonical: String, _ right: Activation, _ input: Activation
  ) throws(RuntimeFault) -> Activation {
    let tensor = input.tensor(in: layout ?? family)
    let sizes = tensor.shape.dimensions.map(String.init).joined(separator: ",")
    let text = command.replacing(Self.layerMark, with: name)
      .replacing(Self.canonicalMark, with: canonical).replacing(Self.shapeMark, with: sizes)
    let process = try RuntimeProcess(text, seconds: seconds)
    let wanted = 4 * right.values.count
    let bytes = try process.run(
      on: tensor.floats().withUnsafeBytes { [UInt8]($0) }, atMost: 16 * max(wanted, 1 << 20))
    guard bytes.count == wanted else {
      throw .told("\(bytes.count) bytes were written, expected \(wanted) for \(right.shape)")
    }
    let data = TensorData(dtype: .float32, shape: [right.values.count], bytes: bytes)
    return laidOut(data.floats(), like: right)
  }

  /// The values in the layout in which they are nearer to the right ones; what was seen once holds for all.
  private mutating func laidOut(_ values: [Float], like right: Activation) -> Activation {
    let last = Activation(shape: right.shape, values: values)
    guard right.shape.rank == 4 else { return last }
    let first = Activation(
      channelsFirst: LayerNames.Layout.nchw.shape(of: right.shape), values: values)
    if layout == nil {
      let (a, b) = (scaledError(last, right), scaledError(first, right))
      if min(a, b) < 0.05 { layout = a <= b ? .nhwc : .nchw }
    }
    return (layout ?? family) == .nchw ? first : last
  }

  package func values(for input: Activation) -> Values { { node, _ in known[node] } }

  package func problem(of node: String) -> String? { problems[node] }
}

/// Whether a character means nothing to a shell.
private func isPlain(_ character: Character) -> Bool {
  character.isASCII && (character.isLetter || character.isNumber || "_./:-".contains(character))
}

private func scaledError(_ value: Activation, _ right: Activation) -> Double {
  DifferenceStatistics(value.values, right.values).scaledError
}
