package org.apache.spark.ordered

import java.io.{ByteArrayInputStream, InputStream}

import scala.collection.mutable

import org.apache.spark.{InterruptibleIterator, SparkEnv, TaskContext}
import org.apache.spark.internal.config
import org.apache.spark.shuffle.{BaseShuffleHandle, ShuffleReader, ShuffleReadMetricsReporter}
import org.apache.spark.storage.{BlockId, BlockManagerId, ShuffleBlockFetcherIterator, ShuffleBlockId}
import org.apache.spark.util.CompletionIterator

/** Reads map outputs in the order of reduce partitions and maps, whichever executor answers first.
  *
  * They are fetched in runs of neighbours, several at once as ever, and the next run while one is read. Within a run,
  * those that arrive before their turn are kept in memory, uncompressed. A run is bounded, and so is what is kept.
  *
  * Contract of a reader: the records of all map outputs, each once; a map output that cannot be had is a
  * FetchFailedException, of which the scheduler runs its map again; nothing is held when the task ends, however it
  * ends. The first two are kept by Spark's own fetcher, the last by its listener of the task's end.
  */
private[ordered] class OrderedShuffleReader[K, C](
    handle: BaseShuffleHandle[K, Any, C],
    startMap: Int,
    endMap: Int,
    start: Int,
    end: Int,
    context: TaskContext,
    metrics: ShuffleReadMetricsReporter)
    extends ShuffleReader[K, C] {

  private case class Block(at: BlockManagerId, id: ShuffleBlockId, size: Long, map: Int)

  private val dependency = handle.dependency
  private val environment = SparkEnv.get
  private val conf = environment.conf
  // As much as Spark asks one executor for at a time, several times over; a third of what it has in flight.
  private val runBytes = conf.get(config.REDUCER_MAX_SIZE_IN_FLIGHT) * 1024 * 1024 / 3

  override def read(): Iterator[Product2[K, C]] = {
    val serializer = dependency.serializer.newInstance()
    val streams = asked(runs(blocks())).flatMap { case (run, arriving) => fetched(run, arriving) }
    val all = streams.flatMap(serializer.deserializeStream(_).asKeyValueIterator)
    val counted = all.map { record => metrics.incRecordsRead(1); record }
    val ended =
      CompletionIterator[(Any, Any), Iterator[(Any, Any)]](counted, context.taskMetrics().mergeShuffleReadMetrics())
    val records = new InterruptibleIterator[(Any, Any)](context, ended)
    val combined = dependency.aggregator match {
      case Some(how) if dependency.mapSideCombine =>
        val combiners = records.asInstanceOf[Iterator[Product2[K, C]]]
        InOrder.combine[K, C, C](combiners, identity, how.mergeCombiners, dependency.serializer, context)
      case Some(how) =>
        val values = records.asInstanceOf[Iterator[Product2[K, Any]]]
        InOrder.combine[K, Any, C](values, how.createCombiner, how.mergeValue, dependency.serializer, context)
      case None => records.asInstanceOf[Iterator[Product2[K, C]]]
    }
    dependency.keyOrdering.fold(combined)(InOrder.sort(combined, _, dependency.serializer, context))
  }

  private def blocks(): Seq[Block] = {
    val located = environment.mapOutputTracker.getMapSizesByExecutorId(handle.shuffleId, startMap, endMap, start, end)
    val found = for ((at, each) <- located; (id, size, map) <- each)
      yield Block(at, id.asInstanceOf[ShuffleBlockId], size, map)
    found.toSeq.sortBy(block => (block.id.reduceId, block.map))
  }

  /** Neighbours that are fetched together; one that is larger than a run is one of its own. */
  private def runs(blocks: Seq[Block]): Iterator[Seq[Block]] = {
    val rest = blocks.iterator.buffered
    new Iterator[Seq[Block]] {
      override def hasNext: Boolean = rest.hasNext
      override def next(): Seq[Block] = {
        val run = mutable.ArrayBuffer(rest.next())
        var bytes = run.head.size
        while (rest.hasNext && bytes + rest.head.size <= runBytes) {
          bytes += rest.head.size
          run += rest.next()
        }
        run.toSeq
      }
    }
  }

  /** Runs with their fetchers, which ask for their blocks when they are made: each before the one before it is read. */
  private def asked(runs: Iterator[Seq[Block]]): Iterator[(Seq[Block], Iterator[(BlockId, InputStream)])] =
    new Iterator[(Seq[Block], Iterator[(BlockId, InputStream)])] {
      private val fetchers = runs.map(run => (run, fetcher(run)))
      private var following = fetchers.nextOption()
      override def hasNext: Boolean = following.isDefined
      override def next(): (Seq[Block], Iterator[(BlockId, InputStream)]) = {
        val now = following.get
        following = fetchers.nextOption()
        now
      }
    }

  private def fetcher(run: Seq[Block]): Iterator[(BlockId, InputStream)] = {
    val addressed = mutable.LinkedHashMap.empty[BlockManagerId, mutable.ArrayBuffer[(BlockId, Long, Int)]]
    for (block <- run) {
      addressed.getOrElseUpdate(block.at, mutable.ArrayBuffer.empty) += ((block.id, block.size, block.map))
    }
    new ShuffleBlockFetcherIterator(
      context,
      environment.blockManager.blockStoreClient,
      environment.blockManager,
      environment.mapOutputTracker,
      addressed.iterator.map { case (at, each) => (at, each.toSeq) },
      environment.serializerManager.wrapStream,
      conf.get(config.REDUCER_MAX_SIZE_IN_FLIGHT) * 1024 * 1024,
      conf.get(config.REDUCER_MAX_REQS_IN_FLIGHT),
      conf.get(config.REDUCER_MAX_BLOCKS_IN_FLIGHT_PER_ADDRESS),
      conf.get(config.MAX_REMOTE_BLOCK_SIZE_FETCH_TO_MEM),
      conf.get(config.SHUFFLE_MAX_ATTEMPTS_ON_NETTY_OOM),
      conf.get(config.SHUFFLE_DETECT_CORRUPT),
      conf.get(config.SHUFFLE_DETECT_CORRUPT_MEMORY),
      conf.get(config.SHUFFLE_CHECKSUM_ENABLED),
      conf.get(config.SHUFFLE_CHECKSUM_ALGORITHM),
      metrics,
      false).toCompletionIterator
  }

  /** The streams of a run in order. Each is read to its end before the next is asked for: a fetcher's stream ends with
    * the block that follows it.
    */
  private def fetched(run: Seq[Block], arriving: Iterator[(BlockId, InputStream)]): Iterator[InputStream] = {
    val early = mutable.Map.empty[BlockId, Array[Byte]]
    val streams = run.iterator.map { block =>
      early.remove(block.id).map(new ByteArrayInputStream(_): InputStream).getOrElse {
        var (id, stream) = arriving.next()
        while (id != block.id) {
          early(id) = drained(stream)
          val (nextId, nextStream) = arriving.next()
          id = nextId
          stream = nextStream
        }
        stream
      }
    }
    // To ask is what ends a fetcher.
    CompletionIterator[InputStream, Iterator[InputStream]](streams, arriving.hasNext)
  }

  private def drained(stream: InputStream): Array[Byte] =
    try stream.readAllBytes()
    finally stream.close()
}
