import Tensors
import Testing

@testable import ResNetV2

@Suite("Graph")
struct GraphTests {
  @Test("Nodes read only nodes before them, and names are distinct", arguments: Sample.all)
  func isOrdered(_ sample: Sample) throws {
    let graph = try Graph(sample.configuration)
    for (index, node) in graph.nodes.enumerated() {
      #expect(node.inputs.allSatisfy { $0 < index }, "\(node.name)")
    }
    #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
    #expect(Set(graph.parameters.map(\.name)).count == graph.parameters.count)
  }

  @Test("A block adds its side path to its main path")
  func blockNodes() throws {
    let graph = try Graph(Sample.preActivation.configuration)
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
    func strided(_ sample: Sample) throws -> [String] {
      try Graph(sample.configuration).nodes.compactMap { node in
        guard case .convolution(let conv) = node.operation, conv.stride == 2 else { return nil }
        return node.name
      }
    }
    #expect(try strided(.preActivation) == ["stem.conv", "stage1.block2.conv2"])
    #expect(
      try strided(.postActivation) == [
        "stem.conv", "stage2.block1.shortcut.conv", "stage2.block1.conv1",
      ])
  }

  @Test("A strided block without projection subsamples its input")
  func subsample() throws {
    let graph = try Graph(Sample.preActivation.configuration)
    let index = try #require(graph.index(of: "stage1.block2.shortcut.subsample"))
    #expect(graph.nodes[index].operation == .subsample(stride: 2))
  }

  @Test("Every value is used by the node that lastUses names, and by none after it")
  func lastUses() throws {
    let graph = try Graph(Sample.preActivation.configuration)
    for (index, last) in graph.lastUses.enumerated() where index != graph.outputIndex {
      #expect(graph.nodes[last].inputs.contains(index))
      #expect(graph.nodes[(last + 1)...].allSatisfy { !$0.inputs.contains(index) })
    }
  }

  @Test("Contradicting options are refused", arguments: Sample.contradictions)
  func refusesContradictions(_ configuration: Configuration) {
    #expect(throws: ConfigurationError.self) { try Graph(configuration) }
  }
}

@Suite("Shapes")
struct ShapeInferenceTests {
  @Test("An image shrinks as in the paper")
  func imageSizes() throws {
    let graph = try Graph(Sample.preActivation.configuration)
    let shapes = try graph.shapes(for: [2, 47, 65, 3])
    func shape(_ name: String) throws -> [Int] {
      shapes[try #require(graph.index(of: name))].dimensions
    }
    #expect(try shape("stem.conv") == [2, 24, 33, 8])
    #expect(try shape("stem.pool") == [2, 12, 17, 8])
    #expect(try shape("stage1.block2.add") == [2, 6, 9, 16])
    #expect(try shape("head.pool") == [2, 32])
    #expect(try shape("head.softmax") == [2, 5])
  }

  @Test("An input of other channels or another rank is refused")
  func refusesOtherInputs() throws {
    let graph = try Graph(Sample.preActivation.configuration)
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [1, 32, 32, 4]) }
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [32, 32, 3]) }
    #expect(throws: InputShapeError.self) { try graph.shapes(for: [0, 32, 32, 3]) }
  }
}

/// Small networks that together use every option.
struct Sample: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let configuration: Configuration

  static let all = [preActivation, postActivation, deepGroupNorm]

  static let preActivation = Sample(
    testDescription: "bottleneck, pre-activation, stride in the last block",
    configuration: Configuration(
      block: .init(
        kind: .bottleneck, order: .preActivation, stridedBlock: .last, hasLastBias: true),
      stages: [
        .init(blocks: 2, innerChannels: 4, outputChannels: 16, stride: 2),
        .init(blocks: 2, innerChannels: 8, outputChannels: 32, stride: 1),
      ],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 8, hasBias: true)],
        hasNorm: false, poolPadding: .zero),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .convolution, hasBias: true),
      norm: .batch(epsilon: 1.001e-5), head: .init(classes: 5, hasSoftmax: true)))

  static let postActivation = Sample(
    testDescription: "basic, post-activation, norm on the shortcut",
    configuration: Configuration(
      block: .init(kind: .basic, order: .postActivation, stridedBlock: .first),
      stages: [
        .init(blocks: 2, innerChannels: 8, outputChannels: 8, stride: 1),
        .init(blocks: 1, innerChannels: 16, outputChannels: 16, stride: 2),
      ],
      stem: .init(
        convolutions: [.init(kernel: 7, stride: 2, outputChannels: 8, hasBias: false)],
        hasNorm: true, poolPadding: .negativeInfinity),
      shortcut: .init(placement: .whereShapeChanges, input: .raw, kind: .convolutionNorm),
      norm: .batch(epsilon: 1e-5), head: .init(classes: 5, hasSoftmax: false)))

  static let deepGroupNorm = Sample(
    testDescription: "deep stem, average-pooled shortcut, group norm, standardised weights",
    configuration: Configuration(
      block: .init(kind: .bottleneck, order: .preActivation, stridedBlock: .first),
      stages: [
        .init(blocks: 1, innerChannels: 4, outputChannels: 16, stride: 1),
        .init(blocks: 2, innerChannels: 8, outputChannels: 32, stride: 2),
      ],
      stem: .init(
        convolutions: [
          .init(kernel: 3, stride: 2, outputChannels: 4, hasBias: false),
          .init(kernel: 3, stride: 1, outputChannels: 4, hasBias: false),
          .init(kernel: 3, stride: 1, outputChannels: 8, hasBias: false),
        ], hasNorm: false, poolPadding: .same),
      shortcut: .init(
        placement: .everyStage, input: .preActivated, kind: .averagePoolConvolution),
      norm: .group(count: 2, epsilon: 1e-5), head: .init(classes: 5, hasSoftmax: false),
      input: .init(hasNorm: true), weightStandardizationEpsilon: 1e-8))

  static let contradictions: [Configuration] = {
    var noStages = preActivation.configuration
    noStages.stages = []
    var noClasses = preActivation.configuration
    noClasses.head.layers = [.dense(outputs: 0, hasBias: true)]
    var unequalBasic = postActivation.configuration
    unequalBasic.stages[0].innerChannels = 4
    var preActivatedV1 = postActivation.configuration
    preActivatedV1.shortcut.input = .preActivated
    var badEpsilon = preActivation.configuration
    badEpsilon.norm = .batch(epsilon: .nan)
    return [noStages, noClasses, unequalBasic, preActivatedV1, badEpsilon]
  }()
}
