import Tensors
import TestSupport
import Testing

@testable import ResNetV2

@Suite("Graph")
struct GraphTests {
  @Test("Nodes read only nodes before them, and names are distinct", arguments: SampleNetwork.all)
  func isOrdered(_ sample: SampleNetwork) throws {
    let graph = try Graph(sample.configuration)
    for (index, node) in graph.nodes.enumerated() {
      #expect(node.inputs.allSatisfy { $0 < index }, "\(node.name)")
    }
    #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
    #expect(Set(graph.parameters.map(\.name)).count == graph.parameters.count)
  }

  @Test("A block adds its side path to its main path")
  func blockNodes() throws {
    let graph = try Graph(SampleNetwork.preActivation.configuration)
    let block = graph.nodes.filter { $0.name.hasPrefix("stage1.block1.") }.map(\.name)
    #expect(
      block == [
        "stage1.block1.norm1", "stage1.block1.relu1", "stage1.block1.shortcut.conv",
        "stage1.block1.conv1", "stage1.block1.norm2", "stage1.block1.relu2", "stage1.block1.conv2",
        "stage1.block1.norm3", "stage1.block1.relu3", "stage1.block1.conv3", "stage1.block1.add",
      ])
    let add = try #require(graph.index(of: "stage1.block1.add"))
    let inputs = graph.nodes[add].inputs.map { graph.nodes[$0].name }
    #expect(inputs == ["stage1.block1.shortcut.conv", "stage1.block1.conv3"])
  }

  @Test("The stride stands where the options say")
  func strides() throws {
    func strided(_ sample: SampleNetwork) throws -> [String] {
      try Graph(sample.configuration).nodes.compactMap { node in
        guard case .convolution(let conv) = node.operation, conv.stride == 2 else { return nil }
        return node.name
      }
    }
    #expect(try strided(.preActivation) == ["stem.conv", "stage1.block2.conv2"])
    #expect(
      try strided(.basicPostActivation) == [
        "stem.conv", "stage2.block1.shortcut.conv", "stage2.block1.conv1",
      ])
  }

  @Test("A strided block without projection subsamples its input")
  func subsample() throws {
    let graph = try Graph(SampleNetwork.preActivation.configuration)
    let index = try #require(graph.index(of: "stage1.block2.shortcut.subsample"))
    #expect(graph.nodes[index].operation == .subsample(stride: 2))
  }

  @Test("Every value is used by the node that lastUses names, and by none after it")
  func lastUses() throws {
    let graph = try Graph(SampleNetwork.preActivation.configuration)
    for (index, last) in graph.lastUses.enumerated() where index != graph.outputIndex {
      #expect(graph.nodes[last].inputs.contains(index))
      #expect(graph.nodes[(last + 1)...].allSatisfy { !$0.inputs.contains(index) })
    }
  }

  @Test("Contradicting options are refused", arguments: SampleNetwork.contradictions)
  func refusesContradictions(_ configuration: Configuration) {
    #expect(throws: ConfigurationError.self) { try Graph(configuration) }
  }
}

@Suite("Shapes")
struct ShapeInferenceTests {
  @Test("An image shrinks as in the paper")
  func imageSizes() throws {
    let graph = try Graph(SampleNetwork.preActivation.configuration)
    let shapes = try graph.shapes(for: [2, 47, 65, 3])
    func shape(_ name: String) throws -> [Int] {
      shapes[try #require(graph.index(of: name))].dimensions
    }
    #expect(try shape("stem.conv") == [2, 24, 33, 17])
    #expect(try shape("stem.pool") == [2, 12, 17, 17])
    #expect(try shape("stage1.block2.add") == [2, 6, 9, 33])
    #expect(try shape("head.pool") == [2, 70])
    #expect(try shape("head.softmax") == [2, 11])
  }

  @Test("An input of other channels or another rank is refused")
  func refusesOtherInputs() throws {
    let graph = try Graph(SampleNetwork.preActivation.configuration)
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [1, 32, 32, 4]) }
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [32, 32, 3]) }
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [0, 32, 32, 3]) }
  }
}

extension SampleNetwork {
  static let contradictions: [Configuration] = {
    var noStages = preActivation.configuration
    noStages.stages = []
    var noClasses = preActivation.configuration
    noClasses.head.layers = [.dense(outputs: 0, hasBias: true)]
    var unequalBasic = basicPostActivation.configuration
    unequalBasic.stages[0].innerChannels = 4
    var preActivatedV1 = basicPostActivation.configuration
    preActivatedV1.shortcut.input = .preActivated
    var badEpsilon = preActivation.configuration
    badEpsilon.norm = .batch(epsilon: .nan)
    return [noStages, noClasses, unequalBasic, preActivatedV1, badEpsilon]
  }()
}
