package org.apache.spark.ordered

import java.util

import scala.collection.BufferedIterator

import org.apache.spark.{SparkEnv, TaskContext}
import org.apache.spark.internal.config
import org.apache.spark.memory.{MemoryConsumer, MemoryMode, TaskMemoryManager}
import org.apache.spark.serializer.Serializer
import org.apache.spark.util.CompletionIterator
import org.apache.spark.util.collection.{ExternalSorter, SizeTrackingAppendOnlyMap}

/** Combines and sorts records so that neither result nor order follows from how much memory there was. */
private[ordered] object InOrder {

  private type Place = (Int, Long)
  private val CHECKED_EVERY = 32

  private class Combined[C](val first: Long, var value: C)
  private case class Entry[K, C](hash: Int, first: Long, key: K, value: C)

  /** Each key with its values, combined from the first to the last; keys by their hash, then by where they came first.
    *
    * Spark's `ExternalAppendOnlyMap` begins a new map when memory is short and merges the maps in the end: a + b + c
    * becomes a + (b + c). Here no two combiners ever meet. When memory is short, the map is left as it is, and what
    * comes later is sorted, on disk where need be, and taken up where the map ended.
    */
  def combine[K, V, C](
      records: Iterator[Product2[K, V]],
      create: V => C,
      merge: (C, V) => C,
      serializer: Serializer,
      context: TaskContext): Iterator[Product2[K, C]] = {
    val memory = new Reservation(context.taskMemoryManager())
    val most = SparkEnv.get.conf.get(config.SHUFFLE_SPILL_NUM_ELEMENTS_FORCE_SPILL_THRESHOLD)
    val map = new SizeTrackingAppendOnlyMap[K, Combined[C]]
    var place = 0L
    var full = false
    while (!full && records.hasNext) {
      val record = records.next()
      val at = place
      map.changeValue(
        record._1,
        (known, old) => {
          if (known) { old.value = merge(old.value, record._2); old }
          else new Combined(at, create(record._2))
        })
      place += 1
      full = place >= most || (place % CHECKED_EVERY == 0 && !memory.covers(map.estimateSize()))
    }
    val entries = map.iterator.map { case (key, each) => Entry(hashOf(key), each.first, key, each.value) }.toArray
    util.Arrays.sort(entries.asInstanceOf[Array[Entry[_, _]]], byPlace)
    val combined: Iterator[Product2[K, C]] =
      if (!records.hasNext) entries.iterator.map(entry => (entry.key, entry.value))
      else {
        val later = new ExternalSorter[Place, (K, V), (K, V)](
          context, ordering = Some(Ordering.Tuple2[Int, Long]), serializer = serializer)
        val placed = records.map { record =>
          place += 1
          ((hashOf(record._1), place), (record._1, record._2))
        }
        val sorted = later.insertAllAndUpdateMetrics(placed)
        continued(entries.iterator.buffered, sorted.buffered, create, merge)
      }
    context.addTaskCompletionListener[Unit](_ => memory.release())
    CompletionIterator[Product2[K, C], Iterator[Product2[K, C]]](combined, memory.release())
  }

  /** The records by key; those of one key in the order in which they came. Spark's sort keeps that order only as long
    * as it spills nothing.
    */
  def sort[K, C](
      records: Iterator[Product2[K, C]],
      keys: Ordering[K],
      serializer: Serializer,
      context: TaskContext): Iterator[Product2[K, C]] = {
    var place = 0L
    val placed = records.map { record =>
      place += 1
      ((record._1, place), record._2)
    }
    val sorter = new ExternalSorter[(K, Long), C, C](
      context, ordering = Some(Ordering.Tuple2(keys, Ordering.Long)), serializer = serializer)
    sorter.insertAllAndUpdateMetrics(placed).map(record => (record._1._1, record._2))
  }

  /** What the map held, and what came after, one hash after the other. */
  private def continued[K, V, C](
      first: BufferedIterator[Entry[K, C]],
      later: BufferedIterator[Product2[Place, (K, V)]],
      create: V => C,
      merge: (C, V) => C): Iterator[Product2[K, C]] = {
    val hashes = new Iterator[Iterator[Product2[K, C]]] {
      override def hasNext: Boolean = first.hasNext || later.hasNext
      override def next(): Iterator[Product2[K, C]] = {
        val hash = (first.headOption.map(_.hash) ++ later.headOption.map(_._1._1)).min
        // Java's, because keys are the same when `equals` says so, NaN too; it keeps them as they came.
        val found = new util.LinkedHashMap[K, C]
        while (first.hasNext && first.head.hash == hash) {
          val entry = first.next()
          found.put(entry.key, entry.value)
        }
        while (later.hasNext && later.head._1._1 == hash) {
          val (key, value) = later.next()._2
          found.put(key, if (found.containsKey(key)) merge(found.get(key), value) else create(value))
        }
        val entries = found.entrySet().iterator()
        new Iterator[Product2[K, C]] {
          override def hasNext: Boolean = entries.hasNext
          override def next(): Product2[K, C] = {
            val entry = entries.next()
            (entry.getKey, entry.getValue)
          }
        }
      }
    }
    hashes.flatten
  }

  private val byPlace: util.Comparator[Entry[_, _]] = (one, other) => {
    val by = Integer.compare(one.hash, other.hash)
    if (by != 0) by else java.lang.Long.compare(one.first, other.first)
  }

  private def hashOf(key: Any): Int = if (key == null) 0 else key.hashCode()

  /** Execution memory that a map is covered by. It grows while there is some, and gives none back under way. */
  private class Reservation(manager: TaskMemoryManager) extends MemoryConsumer(manager, MemoryMode.ON_HEAP) {
    private var covered = SparkEnv.get.conf.get(config.SHUFFLE_SPILL_INITIAL_MEM_THRESHOLD)

    def covers(bytes: Long): Boolean = {
      if (bytes >= covered) covered += acquireMemory(2 * bytes - covered)
      bytes < covered
    }

    def release(): Unit = if (getUsed > 0) freeMemory(getUsed)

    /** Contract: gives up memory for another consumer and says how much; none is allowed. */
    override def spill(size: Long, trigger: MemoryConsumer): Long = 0L
  }
}
